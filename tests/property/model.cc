#include "model.h"

#include <algorithm>

namespace tlspolicyd::property {

using base::seconds;
using base::WallTime;

namespace {

constexpr Moment kHour = 3600;
constexpr Moment kDay = 86'400;
constexpr Moment kTombstone = 30 * kDay;

}  // namespace

std::string Model::asked(bool looks, Moment now, WallTime wall) const {
  // A newly published id is seen within the hour (N5, S41).
  if (!looks && now - std::max(txt_answered, txt_failed) >= kHour)
    return "the TXT record is not looked at for more than an hour";
  // RFC 2308 7.1; a failed or forbidden fetch and an expiry are reasons to look at once.
  const bool expired = stored && !is_valid(wall);
  if (looks && now - txt_failed < 30 && !expired) return "TXT asked again within 30 s of a failure";
  return "";
}

std::string Model::found(std::size_t id, bool fetches, Moment now, WallTime wall) const {
  const bool is_new = !is_valid(wall) || stored->id != std::string(1, id == 0 ? 'a' : 'b');
  if (fetches && !is_new) return "a policy is fetched that is known";
  // Back-offs are an hour at most; what they become when the clock is set is not said.
  const bool is_free =
      now - fetched >= 60 && now - failed.at(id) >= kHour && now - clock_set >= kHour;
  return is_new && is_free && !fetches ? "a policy that is not known is not fetched" : "";
}

std::string Model::fetch_begins(std::size_t id, Moment now) {
  if (now - fetched < 60) return "I8: fetched again within 60 s";
  if (now - failed.at(id) < 300) return "I8: id fetched again within 300 s of its failure";
  fetched = now;
  return "";
}

void Model::fetch_fails(std::size_t id, bool own_trouble, Moment now) {
  if (stored) failed_since = true;
  if (own_trouble) {
    fetched = txt_failed = kNever;
  } else {
    failed.at(id) = now;
  }
}

std::string Model::policy_comes(const sts::StoredPolicy& renewed, const sts::Policy& policy,
                                const std::string& id, WallTime wall) {
  auto expires = wall + std::max(policy.max_age, seconds{60});
  if (denied && is_valid(wall)) expires = std::min(expires, stored->expires_at);
  stored = {policy, id, wall, expires};
  failed_since = false;
  seen_expired = kNever;
  seen_expired_by_wall = {};
  alerted = kNever;
  return renewed == *stored ? "" : "I3: what is stored is not what was fetched";
}

std::string Model::alert(Moment now, WallTime wall) {
  if (!stored || is_valid(wall) || stored->policy.mode != sts::Mode::enforce || !failed_since)
    return "an alert without an expired enforce policy whose refresh failed";
  if (now - alerted < kDay) return "two alerts within a day";
  alerted = now;
  return "";
}

std::string Model::looked(const sts::Attention& attention, Moment now, WallTime wall) {
  if (is_valid(wall)) {
    seen_expired = kNever;
    seen_expired_by_wall = {};
    return attention.forget ? "I1: an unexpired policy is forgotten" : "";
  }
  if (seen_expired == kNever) {
    seen_expired = now;
    seen_expired_by_wall = wall;
  }
  seen_expired_by_wall = std::min(seen_expired_by_wall, wall);
  if (!attention.forget) return "";
  // A new process does not know that the clock was set.
  const bool by_wall = restarted && wall >= seen_expired_by_wall + seconds{kTombstone};
  const auto since = std::max(seen_expired, restarted ? kNever : clock_set);
  if (now - since < kTombstone && !by_wall) return "an expired policy is forgotten within 30 days";
  *this = {};
  return "";
}

void Model::clock_is_set(Moment now) {
  clock_set = now;
  restarted = false;
  txt_answered = std::max(txt_answered, txt_failed);  // it may be asked again now, but need not
  fetched = txt_failed = alerted = kNever;
  failed = {kNever, kNever};
}

void Model::restart() {
  restarted = true;
  denied = false;
  txt_answered = txt_failed = fetched = alerted = kNever;
  failed = {kNever, kNever};
}

std::string Model::compare(const sts::Entry& entry, WallTime wall) const {
  if (stored.has_value() != (entry.stored != nullptr) || (stored && *stored != *entry.stored))
    return "I1, I3, I4: something but a fetched policy changed what is stored";
  if (entry.is_valid(wall) != is_valid(wall)) return "I1, I2: not applied as long as it must be";
  return "";
}

std::string Model::refresh_comes(const sts::Entry& entry, WallTime wall,
                                 WallTime clock_set_at) const {
  if (!is_valid(wall) || failed_since) return "";
  if (stored->expires_at - stored->fetched_at < seconds{1200}) return "";
  const sts::RefreshRules rules;
  const auto last = stored->expires_at - seconds{1};
  if (entry.upkeep.used_at + rules.unused <= last) return "";
  // One that was just tried comes again after 300 s only.
  if (entry.upkeep.tried_at <= last && last < entry.upkeep.tried_at + seconds{300}) return "";
  auto later = entry;
  if (sts::look_after(later, wall, rules, 0.5, clock_set_at).refresh) return "";
  if (sts::look_after(later, last, rules, 0.5, clock_set_at).refresh) return "";
  return "no refresh comes before the expiry";
}

}  // namespace tlspolicyd::property
