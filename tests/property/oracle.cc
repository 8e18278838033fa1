#include "oracle.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "event.h"

/// What the oracle learns, of the DNS in oracle_dns.cc. What it concludes is in verdict.cc and
/// gate_verdict.cc.
namespace tlspolicyd::property {

using base::milliseconds;
using base::seconds;

namespace {

// Until a disk that works again has been tried again, and all that it missed been written.
constexpr seconds kDiskCatchesUp{150};
// A disk that takes longer has failed (service::Keeper).
constexpr seconds kDiskPatience{5};
constexpr seconds kClockWasSet{300};

}  // namespace

void Oracle::blame(std::string what) {
  if (!verdict_) verdict_ = std::move(what);
}

milliseconds Oracle::ran() const {
  return std::chrono::duration_cast<milliseconds>(time_.steady().time_since_epoch()) - stopped_;
}

bool Oracle::disk_is_trusted() const { return disk_trusted_from_ && ran() >= *disk_trusted_from_; }

Known* Oracle::known_of(std::string_view name, std::string_view prefix) {
  const auto domain = name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view{};
  if (std::find(kDomains.begin(), kDomains.end(), domain) == kDomains.end()) {
    blame(fmt::format("I10: the network is asked for {}", name));
    return nullptr;
  }
  return &known_[std::string(domain)];
}

void Oracle::asked(const Question& question) {
  pending_.emplace(question.number, question);
  auto& known = known_[kDomains[question.domain]];
  if (!known.asked_at) known.asked_from = ran();
  known.asked_at = time_.steady();
}

void Oracle::clock_was_set(seconds by) {
  for (auto& [domain, known] : known_) {
    known.fetched_at.reset();
    known.failed_at.clear();
    // What is due within the hour of a clock that was set back has its hour again.
    known.txt_may_be_old = known.txt_may_be_old || by < seconds{0};
    known.asked_at.reset();  // or it was long ago, by the new clock
    known.disturbed = true;
    if (by >= kClockWasSet || by <= -kClockWasSet) known.lapsed_at.reset();
  }
}

void Oracle::killed() {
  for (auto& [domain, known] : known_) {
    narrow(known);
    known.held = known.durable;
    for (auto& version : known.versions) {
      version.this_life = false;
      version.restarted_since = version.restarted_since || version.lapsed_at;
    }
    known.txt_id.reset();
    known.denied = false;
    known.txt_asked = 0;
    known.txt_looked_at.reset();
    known.txt_may_be_old = false;
    known.fetching = false;
    known.ended_in_own_trouble = false;
    known.own_trouble_at.reset();
    known.mx_failed_at.reset();
    known.mx.clear();
    known.fetched_at.reset();
    known.failed_at.clear();
    known.disturbed = true;
  }
  pending_.clear();
  hosts_.killed();
  validation_ = Validation::unknown;
  outdated_.reset();
  disk_is_dead_ = disk_is_dead_now_;
  disk_trusted_from_.reset();
  if (disk_works_) disk_trusted_from_ = ran();
}

void Oracle::txt_changed(std::size_t domain) { known_[kDomains[domain]].disturbed = true; }

void Oracle::disk_changed(fakes::FakeStore::Health health, milliseconds delay) {
  using Health = fakes::FakeStore::Health;
  for (auto& [domain, known] : known_) narrow(known);
  disk_is_dead_now_ = health == Health::silent;
  disk_is_dead_ = disk_is_dead_ || disk_is_dead_now_;
  const bool worked = disk_works_;
  disk_works_ = health == Health::works && delay < kDiskPatience;
  if (!disk_works_ || disk_is_dead_) {
    disk_trusted_from_.reset();
  } else if (!worked || !disk_trusted_from_) {
    disk_trusted_from_ = ran() + kDiskCatchesUp;
  }
}

void Oracle::fetch_began(const std::string& host) {
  auto* known = known_of(host, "mta-sts.");
  if (!known) return;
  narrow(*known);
  const auto now = time_.steady();
  if (known->fetching) blame(fmt::format("I8: two fetches at a time from {}", host));
  known->fetching = true;
  known->tried = true;
  // The service counts in whole seconds.
  if (known->fetched_at && now - *known->fetched_at < seconds{59})
    blame(fmt::format("I8: {} fetched again after {} ms", host,
                      (now - *known->fetched_at) / milliseconds{1}));
  known->fetched_at = now;
  known->fetch_id = known->txt_id;
  if (!known->fetch_id && known->held == known->last() && known->held >= 0)
    known->fetch_id = known->versions.back().id;
  if (!known->fetch_id) return;
  const auto failed = known->failed_at.find(*known->fetch_id);
  if (failed != known->failed_at.end() && now - failed->second < seconds{299})
    blame(fmt::format("I8: id {} fetched again from {} {} ms after it failed", *known->fetch_id,
                      host, (now - failed->second) / milliseconds{1}));
}

void Oracle::fetch_ended(const std::string& host, const base::Result<net::HttpsReply>& reply) {
  auto* known = known_of(host, "mta-sts.");
  if (!known) return;
  known->fetching = false;
  known->ended_in_own_trouble = false;
  if (!reply) return fetch_failed(*known, reply.error().fault);
  const auto& domain = host.substr(std::string_view("mta-sts.").size());
  const auto place = std::find(kDomains.begin(), kDomains.end(), domain) - kDomains.begin();
  for (const auto& policy : policies_of(static_cast<std::size_t>(place)))
    if (reply->status == 200 && reply->media_type == "text/plain" && reply->body == policy.body())
      return deliver(*known, policy);
  fetch_failed(*known, base::Fault::http);
}

void Oracle::fetch_failed(Known& known, base::Fault fault) {
  if (base::is_own_trouble(fault)) {
    known.ended_in_own_trouble = true;
    known.own_trouble_at = time_.steady();
    known.fetched_at.reset();
    known.disturbed = true;
  } else if (known.fetch_id) {
    known.failed_at[*known.fetch_id] = time_.steady();
  }
}

void Oracle::fetch_dropped(const std::string& host) {
  // Only a kill may do that: whoever asks next finds the result (decisions.md 14).
  if (auto* known = known_of(host, "mta-sts."); known && known->fetching)
    blame(fmt::format("the fetch from {} was given up", host));
}

void Oracle::deliver(Known& known, const PolicyText& policy) {
  narrow(known);
  const auto now = time_.wall();
  const auto expires = now + std::max(policy.max_age, seconds{60});
  auto first = expires;
  auto last = expires;
  if (known.denied && known.last() >= 0) {
    // No longer life where DNSSEC proved that the record is gone (decisions.md 7).
    if (known.held != Known::kNothing) last = base::WallTime{};
    for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
      const auto& before = known.versions[static_cast<std::size_t>(at)];
      if (now < before.expires_at_last) first = std::min(first, before.expires_at_first);
      const bool binds = now < before.expires_at_first;
      last = std::max(last, binds ? std::min(expires, before.expires_at_last) : expires);
    }
  }
  Version version{policy, known.fetch_id, now, last, first, time_.steady(), ran()};
  version.same_body = known.last() >= 0 && known.versions.back().policy == policy;
  if (known.fetch_id) known.failed_at.erase(*known.fetch_id);
  known.versions.push_back(std::move(version));
  known.tried = false;
  known.disturbed = false;
  known.overdue.reset();
  known.lapsed_at.reset();
}

}  // namespace tlspolicyd::property
