#pragma once

#include <chrono>
#include <functional>

#include "base/operation.h"

namespace tlspolicyd::base {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// For deadlines and for measuring: never jumps, means nothing after a restart.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
/// For what is written down and compared with max_age: seconds since 1970, may jump.
using WallTime = std::chrono::sys_seconds;

/// Port: what time it is. Constant within one turn of the loop.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime steady() const = 0;
  virtual WallTime wall() const = 0;
};

/// Port: being called back later.
class Timers {
 public:
  virtual ~Timers() = default;

  /// Calls `fire` once, `delay` from now (at the next turn of the loop for zero), unless the
  /// operation is destroyed before.
  virtual OperationPtr after(milliseconds delay, std::function<void()> fire) = 0;

  /// Calls `work` once, in a turn of the loop that runs no other work given here. For steps that
  /// cost a tenth of a millisecond and more (a TLS handshake's cryptography): between two of them
  /// every cheap event that is ready is served, so that they delay no cached answer.
  virtual OperationPtr in_own_turn(std::function<void()> work) = 0;
};

}  // namespace tlspolicyd::base
