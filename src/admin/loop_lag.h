#pragma once

#include <array>
#include <cstddef>

#include "base/clock.h"
#include "base/operation.h"

namespace tlspolicyd::admin {

/// Measures how late the event loop is: something runs every kInterval, and is late by as long as a
/// turn took too long. What blocks the loop for less than kInterval may go unseen. It begins with
/// the loop's first turn: a full cache file is read before that.
class LoopLag {
 public:
  static constexpr base::milliseconds kInterval{500};
  static constexpr base::seconds kMemory{60};

  /// All that is given must outlive it.
  LoopLag(const base::Clock& clock, base::Timers& timers);
  LoopLag(const LoopLag&) = delete;
  LoopLag& operator=(const LoopLag&) = delete;

  /// The longest of the last minute, in seconds.
  double worst() const;

 private:
  static constexpr base::seconds kSpan{5};
  static constexpr std::size_t kSlots = kMemory / kSpan;
  struct Slot {
    base::SteadyTime::rep turn = -1000;  ///< which kSpan since the clock's zero
    double worst = 0;
  };

  void wait();
  void note(double lag);
  base::SteadyTime::rep turn() const;

  const base::Clock& clock_;
  base::Timers& timers_;
  std::array<Slot, kSlots> slots_{};
  base::SteadyTime due_{};
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::admin
