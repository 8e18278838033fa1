#include "sts/lifecycle.h"

#include <algorithm>

namespace tlspolicyd::sts {
namespace {

using base::seconds;
using base::WallTime;

/// Whether a moment is still to come. One farther away than can have been meant was noted under a
/// clock that has been set back since, and binds no more.
bool is_ahead(WallTime moment, WallTime now, seconds farthest) {
  return now < moment && moment <= now + farthest;
}

/// The first question after the expiry must look for a newer policy.
void look_again_at_expiry(Entry& entry) {
  entry.txt_due = std::min(entry.txt_due, entry.stored->expires_at());
}

seconds clamp_ttl(seconds ttl) { return std::clamp(ttl, Timing::kTxtFloor, Timing::kTxtCeiling); }

Next on(Entry& entry, const TxtFound& txt, WallTime now) {
  entry.dns_pause = seconds{0};
  entry.absence = Absence::unknown;
  entry.txt_due = now + clamp_ttl(txt.ttl);
  // An expired policy is not revived by an equal id (state X): it must be fetched.
  if (entry.is_valid(now) && entry.stored->id == txt.id) {
    look_again_at_expiry(entry);
    return Next::answer;
  }
  // An id that may not be fetched yet is looked at again as soon as it may.
  if (entry.failed && entry.failed->id == txt.id &&
      is_ahead(entry.failed->retry_at, now, Timing::kFetchFailedLast)) {
    entry.absence = Absence::fetch_failed;
    entry.txt_due = std::min(entry.txt_due, entry.failed->retry_at);
    return Next::answer;
  }
  if (is_ahead(entry.fetch_floor, now, Timing::kFetchFloor)) {
    entry.txt_due = std::min(entry.txt_due, entry.fetch_floor);
    return Next::answer;
  }
  return Next::fetch;
}

Next on(Entry& entry, const TxtAbsent& txt, WallTime now) {
  entry.dns_pause = seconds{0};
  entry.txt_due = now + clamp_ttl(txt.ttl);
  entry.absence = txt.kind;
  return Next::answer;
}

Next on(Entry& entry, const TxtFailed& txt, WallTime now) {
  entry.absence = Absence::dns_error;
  if (base::is_own_trouble(txt.why.fault)) {
    entry.txt_due = now;
    return Next::answer;
  }
  entry.dns_pause = entry.dns_pause == seconds{0}
                        ? Timing::kDnsErrorFirst
                        : std::min(entry.dns_pause * 2, Timing::kDnsErrorLast);
  entry.txt_due = now + entry.dns_pause;
  return Next::answer;
}

Next on(Entry& entry, const FetchBegun&, WallTime now) {
  entry.fetch_floor = now + Timing::kFetchFloor;
  return Next::answer;
}

Next on(Entry& entry, const FetchFailed& fetch, WallTime now) {
  entry.absence = Absence::fetch_failed;
  if (base::is_own_trouble(fetch.why.fault)) {
    entry.txt_due = now;
    entry.fetch_floor = now;
    return Next::answer;
  }
  const bool again = entry.failed && entry.failed->id == fetch.id;
  const seconds pause = again ? std::min(entry.failed->pause * 2, Timing::kFetchFailedLast)
                              : Timing::kFetchFailedFirst;
  entry.failed =
      std::make_unique<FailedFetch>(FailedFetch{fetch.id, fetch.why, now + pause, pause});
  entry.txt_due = std::min(entry.txt_due, now + pause);
  return Next::answer;
}

Next on(Entry& entry, const PolicyFetched& fetch, WallTime now) {
  entry.stored = std::make_shared<const StoredPolicy>(StoredPolicy{fetch.policy, fetch.id, now});
  entry.failed.reset();
  entry.absence = Absence::unknown;
  look_again_at_expiry(entry);
  return Next::answer;
}

}  // namespace

bool Entry::is_due(WallTime now) const { return !is_ahead(txt_due, now, Timing::kTxtCeiling); }

WallTime StoredPolicy::expires_at() const {
  return fetched_at + std::max(policy.max_age, Timing::kFetchFloor);
}

std::string_view name_of(Absence absence) {
  switch (absence) {
    case Absence::unknown: return "unknown";
    case Absence::no_record: return "no-record";
    case Absence::invalid_record: return "invalid-record";
    case Absence::several_records: return "several-records";
    case Absence::dns_error: return "dns-error";
    case Absence::fetch_failed: return "fetch-failed";
  }
  return "unknown";
}

Next advance(Entry& entry, const Event& event, WallTime now) {
  return std::visit([&](const auto& happened) { return on(entry, happened, now); }, event);
}

}  // namespace tlspolicyd::sts
