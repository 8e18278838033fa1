#include "sts/lifecycle.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tlspolicyd::sts {
namespace {

using base::seconds;
using base::WallTime;

constexpr auto kFailuresKept = Timing::kFetchFailedFirst / Timing::kFetchFloor;
// A back-off that ended so long ago is not doubled any more.
constexpr seconds kFailureForgotten{86400};
// What of the text of a DNS error is kept: more than any reply shows. Octets.
constexpr std::size_t kMaxDnsError = 300;

/// Whether a moment is still to come. One farther away than can have been meant was noted under a
/// clock that has been set back since, and binds no more.
bool is_ahead(WallTime moment, WallTime now, seconds farthest) {
  return now < moment && moment <= now + farthest;
}

/// The first question after the expiry must look for a newer policy.
void look_again_at_expiry(Entry& entry) {
  entry.txt_due = std::min(entry.txt_due, entry.stored->expires_at);
}

Next on(Entry& entry, const TxtFound& txt, WallTime now) {
  entry.dns_pause = seconds{0};
  entry.dns_error.reset();
  entry.absence = Absence::unknown;
  entry.denied = false;
  entry.txt_due = now + Timing::believed(txt.ttl);
  // An expired policy is not revived by an equal id (state X): it must be fetched.
  if (entry.is_valid(now) && entry.is_known(txt.id, now)) {
    if (entry.stored->id == txt.id) entry.upkeep.confirmed_at = now;
    look_again_at_expiry(entry);
    return Next::answer;
  }
  if (entry.may_fetch(txt.id, now)) return Next::fetch;
  // An id that may not be fetched yet is looked at again as soon as it may.
  const auto* failure = entry.failure_of(txt.id);
  if (failure && is_ahead(failure->retry_at, now, Timing::kFetchFailedLast)) {
    entry.absence = Absence::fetch_failed;
    entry.txt_due = std::min(entry.txt_due, failure->retry_at);
  } else {
    entry.txt_due = std::min(entry.txt_due, entry.fetch_floor);
  }
  return Next::answer;
}

Next on(Entry& entry, const TxtAbsent& txt, WallTime now) {
  entry.dns_pause = seconds{0};
  entry.dns_error.reset();
  entry.txt_due = now + Timing::believed(txt.ttl);
  entry.absence = txt.kind;
  entry.denied = txt.denied;
  return Next::answer;
}

Next on(Entry& entry, const TxtFailed& txt, WallTime now) {
  entry.absence = Absence::dns_error;
  entry.dns_error = std::make_shared<const std::string>(txt.why.text, 0, kMaxDnsError);
  entry.denied = false;
  if (base::is_own_trouble(txt.why.fault)) {
    entry.txt_due = {};  // at once, also when the clock is set back
    return Next::answer;
  }
  entry.dns_pause = Timing::after_dns_error(entry.dns_pause);
  entry.txt_due = now + entry.dns_pause;
  return Next::answer;
}

Next on(Entry& entry, const RefreshBegun&, WallTime now) {
  entry.upkeep.tried_at = now;
  // Should nothing come of it, not even a failure of the host.
  entry.refresh_at = now + Timing::kFetchFailedFirst;
  return Next::answer;
}

Next on(Entry& entry, const FetchBegun&, WallTime now) {
  entry.fetch_floor = now + Timing::kFetchFloor;
  return Next::answer;
}

/// Notes the failure of one id, and how long it is left alone.
seconds remember_failure(Entry& entry, const FetchFailed& fetch, WallTime now) {
  seconds pause = Timing::kFetchFailedFirst;
  if (const auto* before = entry.failure_of(fetch.id);
      before && now <= before->retry_at + kFailureForgotten)
    pause = std::min(before->pause * 2, Timing::kFetchFailedLast);
  entry.failed.remove_if([&](const FailedFetch& failure) { return failure.id == fetch.id; });
  entry.failed.push_front({fetch.id, fetch.why, now + pause, pause});
  auto last = entry.failed.begin();
  for (auto kept = 1; kept < kFailuresKept && last != entry.failed.end(); ++kept) ++last;
  if (last != entry.failed.end()) entry.failed.erase_after(last, entry.failed.end());
  return pause;
}

Next on(Entry& entry, const FetchFailed& fetch, WallTime now) {
  entry.absence = Absence::fetch_failed;
  if (entry.stored) ++entry.upkeep.failures;
  if (base::is_own_trouble(fetch.why.fault)) {
    entry.txt_due = {};
    entry.fetch_floor = {};
    return Next::answer;
  }
  const auto pause = remember_failure(entry, fetch, now);
  entry.txt_due = std::min(entry.txt_due, now + pause);
  entry.refresh_at = now + pause;
  return Next::answer;
}

Next on(Entry& entry, const PolicyFetched& fetch, WallTime now) {
  const auto before = std::exchange(entry.stored, fetch.policy);
  entry.superseded =
      fetch.elsewhere && before && before->id != fetch.policy->id
          ? std::make_shared<const Superseded>(Superseded{before->id, now + Timing::kTxtCeiling})
          : nullptr;
  entry.failed.remove_if(
      [&](const FailedFetch& failure) { return failure.id == fetch.policy->id; });
  entry.absence = Absence::unknown;
  entry.upkeep = entry.upkeep.fetched();
  entry.alerted_at = {};
  entry.marks = 0;
  entry.refresh_at = {};
  // Record and file change at different moments: this may be the old file still (RFC 8461 8.1).
  // Of what another node fetched, that node looks after this.
  if (!fetch.elsewhere && before && before->id != fetch.policy->id &&
      before->policy == fetch.policy->policy)
    entry.refresh_at = now + std::clamp((fetch.policy->expires_at - now) / 2,
                                        Timing::kFetchFailedFirst, Timing::kSameBody);
  look_again_at_expiry(entry);
  return Next::answer;
}

}  // namespace

bool Entry::is_due(WallTime now) const { return !is_ahead(txt_due, now, Timing::kTxtCeiling); }

bool Entry::may_fetch(const std::string& id, WallTime now) const {
  if (is_ahead(fetch_floor, now, Timing::kFetchFloor)) return false;
  const auto* failure = failure_of(id);
  return !failure || !is_ahead(failure->retry_at, now, Timing::kFetchFailedLast);
}

bool Entry::is_known(const std::string& id, WallTime now) const {
  return stored->id == id || (superseded && superseded->id == id &&
                              is_ahead(superseded->until, now, Timing::kTxtCeiling));
}

const FailedFetch* Entry::failure_of(const std::string& id) const {
  const auto found = std::find_if(failed.begin(), failed.end(),
                                  [&](const FailedFetch& failure) { return failure.id == id; });
  return found == failed.end() ? nullptr : &*found;
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

void forget_failures(Entry& entry) {
  const bool in_vain =
      entry.absence == Absence::dns_error || entry.absence == Absence::fetch_failed;
  // A TXT record that was seen since hides a failure without undoing it.
  const bool has_failed = in_vain || !entry.failed.empty();
  if (has_failed) entry.fetch_floor = {};
  if (in_vain) entry.txt_due = {};
  entry.failed.clear();
  entry.dns_pause = {};
  if (entry.stored && entry.upkeep.failures > 0) entry.refresh_at = entry.stored->fetched_at;
}

StoredPolicy renewal(const Entry& entry, std::string id, Policy policy, WallTime now) {
  auto expires = now + std::max(policy.max_age, Timing::kFetchFloor);
  if (entry.denied && entry.is_valid(now)) expires = std::min(expires, entry.stored->expires_at);
  return {std::move(policy), std::move(id), now, expires};
}

bool raises_alert(Entry& entry, WallTime now) {
  if (!entry.stored || entry.is_valid(now)) return false;
  const auto& policy = entry.stored->policy;
  // What is held for the floor alone was not meant to be remembered.
  if (policy.mode != Mode::enforce || policy.max_age < Timing::kFetchFloor) return false;
  if (entry.upkeep.failures == 0) return false;
  if (is_ahead(entry.alerted_at + Timing::kAlertPause, now, Timing::kAlertPause)) return false;
  entry.alerted_at = now;
  return true;
}

}  // namespace tlspolicyd::sts
