#pragma once

#include <optional>

#include "base/clock.h"

namespace tlspolicyd::service {

/// Notices when the wall clock is set, by comparing it with the monotonic one (threat B-4).
class ClockWatch {
 public:
  /// Smaller differences are corrections that every clock gets.
  static constexpr base::seconds kJump{300};

  explicit ClockWatch(const base::Clock& clock)
      : clock_(clock), wall_(clock.wall()), steady_(clock.steady()) {}

  /// By how much the wall clock was set since the last look, if it was; negative is back. A machine
  /// that slept is seen as one whose clock was set.
  std::optional<base::seconds> look() {
    const auto wall = clock_.wall();
    const auto steady = clock_.steady();
    const auto passed = std::chrono::duration_cast<base::seconds>(steady - steady_);
    const auto jump = (wall - wall_) - passed;
    wall_ = wall;
    steady_ = steady;
    if (jump < kJump && jump > -kJump) return std::nullopt;
    return jump;
  }

 private:
  const base::Clock& clock_;
  base::WallTime wall_;
  base::SteadyTime steady_;
};

}  // namespace tlspolicyd::service
