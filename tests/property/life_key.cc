#include <algorithm>

#include "life.h"

/// What two lives must have in common so that the same future follows from them.
namespace tlspolicyd::property {
namespace {

using base::WallTime;

constexpr Moment kDay = 86'400;

/// Writes numbers one after the other.
class Key {
 public:
  /// `farthest_back`: by how much the clock may be set back yet, in all.
  Key(WallTime wall, Moment now, Moment farthest_back)
      : wall_(wall), now_(now), farthest_back_(farthest_back) {}

  Key& add(Moment number) {
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Key& add(const std::string& text) {
    text_.append(text).push_back('\0');
    return *this;
  }
  /// A moment of the wall clock that matters no more once it is `window` past.
  Key& add(WallTime moment, Moment window) {
    return add(std::max((moment - wall_).count(), -window - farthest_back_ - 1));
  }
  /// The same, where "never" has a meaning of its own.
  Key& add_if_any(WallTime moment, Moment window) {
    if (moment == WallTime{}) return add(Moment{1} << 50);
    return add(moment, window);
  }
  /// A moment of the other clock.
  Key& add_age(Moment moment, Moment window) { return add(std::min(now_ - moment, window)); }

  std::string take() { return std::move(text_); }

 private:
  WallTime wall_;
  Moment now_;
  Moment farthest_back_;
  std::string text_;
};

void add_entry(Key& key, const sts::Entry& entry) {
  for (const auto& failure : entry.failed)
    key.add(failure.id).add(failure.retry_at, kDay).add(failure.pause.count());
  key.add("").add(entry.txt_due, 0).add(entry.fetch_floor, 0).add(entry.dns_pause.count());
  key.add_if_any(entry.refresh_at, 0).add(entry.alerted_at, kDay);
  key.add(static_cast<Moment>(entry.absence)).add(Moment{entry.denied}).add(Moment{entry.marks});
  key.add(entry.upkeep.used_at, 180 * kDay).add(entry.upkeep.tried_at, 300);
  key.add_if_any(entry.upkeep.lapsed_at, 30 * kDay);
  key.add(std::min<Moment>(entry.upkeep.failures, 1));
}

void add_policy(Key& key, const std::optional<sts::StoredPolicy>& stored, WallTime wall,
                Moment farthest_back) {
  key.add(Moment{stored.has_value()});
  if (!stored) return;
  key.add(stored->id).add(static_cast<Moment>(stored->policy.mode));
  key.add(stored->policy.max_age.count()).add(stored->expires_at, 0);
  // Of one that can never be valid again it does not matter when it was fetched.
  if ((wall - stored->expires_at).count() <= farthest_back)
    key.add((stored->fetched_at - wall).count());
}

void add_model(Key& key, const Model& model) {
  key.add(Moment{model.failed_since}).add(Moment{model.denied}).add(Moment{model.restarted});
  key.add_age(model.txt_answered, 3600).add_age(model.txt_failed, 3600).add_age(model.fetched, 60);
  for (const auto failed : model.failed) key.add_age(failed, 3600);
  key.add(Moment{model.seen_expired == Model::kNever}).add_age(model.seen_expired, 30 * kDay);
  key.add_if_any(model.seen_expired_by_wall, 30 * kDay);
  key.add_age(model.clock_set, 30 * kDay).add_age(model.alerted, kDay);
}

}  // namespace

std::string DomainLife::key() const {
  const auto farthest_back = clock_can_be_set_ ? clock_error_ - Step::back : 0;
  Key key(wall(), now_, farthest_back);
  key.add(clock_error_).add(clock_set_at_, 30 * kDay);
  add_entry(key, entry_);
  // Equal to what the entry holds: that is checked at every step.
  add_policy(key, model_.stored, wall(), farthest_back);
  add_model(key, model_);
  return key.take();
}

}  // namespace tlspolicyd::property
