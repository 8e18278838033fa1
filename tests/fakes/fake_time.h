#pragma once

#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"

namespace tlspolicyd::fakes {

/// Time that stands still until it is told to pass; fires what is due in order.
class FakeTime final : public base::Clock, public base::Timers {
 public:
  base::SteadyTime steady() const override { return now_; }
  base::WallTime wall() const override {
    return kBeginning + wall_offset_ +
           std::chrono::duration_cast<base::seconds>(now_.time_since_epoch());
  }

  base::OperationPtr after(base::milliseconds delay, std::function<void()> fire) override {
    return std::make_unique<Timer>(*this, now_ + delay, std::move(fire));
  }
  base::OperationPtr in_own_turn(std::function<void()> work) override {
    return after(base::milliseconds{0}, std::move(work));
  }

  /// Lets time pass, firing everything that comes due on the way.
  void pass(base::milliseconds duration) {
    const auto until = now_ + duration;
    while (fire_next(until)) {
    }
    now_ = until;
  }

  /// Lets time pass until `done` says so, at most `limit`. True if it did.
  bool pass_until(base::milliseconds limit, const std::function<bool()>& done) {
    const auto until = now_ + limit;
    while (!done())
      if (!fire_next(until)) return false;
    return true;
  }

  /// The process is stopped for so long: nothing fires before time passes again, and then late.
  void stop(base::milliseconds duration) { now_ += duration; }

  /// Sets the wall clock forward or back; timers do not notice.
  void jump(base::seconds by) { wall_offset_ += by; }

 private:
  static constexpr base::WallTime kBeginning{base::seconds{1'800'000'000}};
  using Key = std::pair<base::SteadyTime, unsigned>;

  class Timer final : public base::Operation {
   public:
    Timer(FakeTime& time, base::SteadyTime due, std::function<void()> fire)
        : time_(time), key_{due, time.next_++} {
      time_.due_.emplace(key_, std::move(fire));
    }
    ~Timer() override { time_.due_.erase(key_); }

   private:
    FakeTime& time_;
    Key key_;
  };

  bool fire_next(base::SteadyTime until) {
    if (due_.empty() || due_.begin()->first.first > until) return false;
    const auto first = due_.begin();
    now_ = std::max(now_, first->first.first);
    const auto fire = std::move(first->second);
    due_.erase(first);
    fire();
    return true;
  }

  base::SteadyTime now_{};
  base::seconds wall_offset_{0};
  unsigned next_ = 0;
  std::map<Key, std::function<void()>> due_;
};

}  // namespace tlspolicyd::fakes
