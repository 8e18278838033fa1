#include "sts/upkeep.h"

#include <algorithm>

namespace tlspolicyd::sts {
namespace {

using base::seconds;
using base::WallTime;

// Clocks are corrected by less than this without anybody having set them.
constexpr seconds kClockSlack{300};

/// How many of the marks 50, 25 and 10 % of its life a policy has passed.
std::uint8_t marks_passed(const StoredPolicy& stored, WallTime now) {
  const auto life = stored.expires_at - stored.fetched_at;
  const auto left = stored.expires_at - now;
  std::uint8_t marks = 0;
  for (const int percent : {50, 25, 10})
    if (left * 100 <= life * percent) ++marks;
  return marks;
}

WallTime planned_refresh(const Entry& entry, WallTime now, const RefreshRules& rules, double dice) {
  const auto& stored = *entry.stored;
  auto pause = refresh_pause(stored.policy, rules, dice);
  // Where DNSSEC proved the record gone, a policy lives shorter than its max_age (renewal()).
  if (const auto life = stored.expires_at - stored.fetched_at; life < stored.policy.max_age)
    pause = std::clamp(life / 2, Timing::kFetchFailedFirst, pause);
  const auto due = stored.fetched_at + pause;
  if (now < due) return due;
  const seconds spread = std::min(kSpread, (entry.stored->expires_at - now) / 2);
  return now + seconds{static_cast<seconds::rep>(static_cast<double>(spread.count()) * dice)};
}

/// Whether no refresh is planned, or one that comes later than the rules have it: they may have
/// been changed since. Retries, and what was overdue, are at most an hour away.
bool is_to_be_planned(const Entry& entry, WallTime now, const RefreshRules& rules) {
  const auto latest = entry.stored->fetched_at + refresh_pause(entry.stored->policy, rules, 1);
  const auto soon = now + std::max(Timing::kFetchFailedLast, kSpread);
  return entry.refresh_at == WallTime{} || entry.refresh_at > std::max(latest, soon);
}

bool was_tried_lately(const Entry& entry, WallTime now) {
  return entry.upkeep.tried_at <= now && now < entry.upkeep.tried_at + Timing::kFetchFailedFirst;
}

bool is_unused(const Entry& entry, WallTime now, const RefreshRules& rules) {
  return now >= entry.upkeep.used_at + rules.unused;
}

bool refresh_is_due(const Entry& entry, WallTime now, const RefreshRules& rules) {
  if (is_unused(entry, now, rules) || was_tried_lately(entry, now)) return false;
  // Fetched in the future, planned farther away than is ever planned: the clock was set back.
  if (entry.stored->fetched_at > now + kClockSlack) return true;
  return now >= entry.refresh_at || entry.refresh_at > now + 2 * rules.interval + kSpread;
}

Attention look_after_valid(Entry& entry, WallTime now, const RefreshRules& rules, double dice) {
  Attention attention;
  if (entry.upkeep.lapsed_at != WallTime{}) {
    entry.upkeep.lapsed_at = {};
    attention.changed = true;
  }
  if (is_to_be_planned(entry, now, rules))
    entry.refresh_at = planned_refresh(entry, now, rules, dice);
  attention.refresh = refresh_is_due(entry, now, rules);
  const auto marks = marks_passed(*entry.stored, now);
  if (entry.upkeep.failures > 0 && marks > entry.marks && entry.stored->policy.mode != Mode::none)
    attention.notice = Attention::Notice::expiring;
  entry.marks = marks;
  return attention;
}

Attention look_after_expired(Entry& entry, WallTime now, WallTime clock_set_at) {
  Attention attention;
  auto& lapsed = entry.upkeep.lapsed_at;
  // A moment to come was noted under a clock that has been set back since.
  if (lapsed == WallTime{} || lapsed > now) {
    lapsed = now;
    attention.changed = true;
    if (raises_alert(entry, now)) attention.notice = Attention::Notice::expired;
  }
  const auto since = std::max(lapsed, std::min(clock_set_at, now));
  attention.forget = now >= since + kTombstone;
  return attention;
}

}  // namespace

seconds refresh_pause(const Policy& policy, const RefreshRules& rules, double dice) {
  const auto pause = std::min(rules.interval, policy.max_age / 2);
  const auto range = static_cast<double>(pause.count() * rules.jitter) / 100;
  const auto shift = static_cast<seconds::rep>(range * (2 * dice - 1));
  return std::max(pause + seconds{shift}, Timing::kFetchFailedFirst);
}

WallTime next_refresh(const Entry& entry, WallTime now, const RefreshRules& rules) {
  if (!entry.is_valid(now) || is_unused(entry, now, rules)) return {};
  return is_to_be_planned(entry, now, rules) ? planned_refresh(entry, now, rules, 0.5)
                                             : entry.refresh_at;
}

Attention look_after(Entry& entry, WallTime now, const RefreshRules& rules, double dice,
                     WallTime clock_set_at) {
  if (entry.is_valid(now)) return look_after_valid(entry, now, rules, dice);
  return look_after_expired(entry, now, clock_set_at);
}

}  // namespace tlspolicyd::sts
