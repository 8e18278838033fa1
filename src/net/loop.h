#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/deleter.h"

struct event;
struct event_base;
extern "C" void event_free(event*);
extern "C" void event_base_free(event_base*);

namespace tlspolicyd::net {

using EventPtr = std::unique_ptr<event, base::Deleter<event_free>>;

/// The event loop: the one place that turns, and the real clock and timers.
/// Everything that holds an event or a timer of it must be destroyed before it.
///
/// A callback must not throw. std::bad_alloc from one unwinds through C frames of libevent, which
/// cannot go on after that: it ends the process, and Restart= of the service unit starts it again.
class Loop final : public base::Clock, public base::Timers {
 public:
  /// Throws std::runtime_error if the kernel gives no event mechanism.
  Loop();
  ~Loop() override;

  /// Turns until stop() is called.
  void run();
  /// Ends run() after the present turn.
  void stop() { stopped_ = true; }

  event_base* base() { return base_.get(); }

  /// Calls `arrived` at each arrival of the signal, in a turn of the loop, until the operation is
  /// destroyed.
  base::OperationPtr on_signal(int signal, std::function<void()> arrived);

  base::SteadyTime steady() const override;
  base::WallTime wall() const override;

  base::OperationPtr after(base::milliseconds delay, std::function<void()> fire) override;
  base::OperationPtr in_own_turn(std::function<void()> work) override;

 private:
  class OwnTurn;
  void take_turn();
  void arm_turns();

  std::unique_ptr<event_base, base::Deleter<event_base_free>> base_;
  EventPtr turn_event_;
  std::deque<OwnTurn*> waiting_;
  bool stopped_ = false;
  mutable std::optional<base::SteadyTime> steady_;
  mutable std::optional<base::WallTime> wall_;
};

}  // namespace tlspolicyd::net
