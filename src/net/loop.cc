#include "net/loop.h"

#include <event2/event.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tlspolicyd::net {
namespace {

timeval to_timeval(base::milliseconds delay) {
  const auto ms = std::max<std::int64_t>(delay.count(), 0);
  return {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

class Timer final : public base::Operation {
 public:
  Timer(event_base* base, base::milliseconds delay, std::function<void()> fire)
      : fire_(std::move(fire)), event_(evtimer_new(base, &Timer::on_event, this)) {
    const auto when = to_timeval(delay);
    evtimer_add(event_.get(), &when);
  }

 private:
  static void on_event(evutil_socket_t, short, void* self) {
    // Moved out first: the callback may destroy this timer.
    const auto fire = std::move(static_cast<Timer*>(self)->fire_);
    fire();
  }

  std::function<void()> fire_;
  EventPtr event_;
};

class Signal final : public base::Operation {
 public:
  Signal(event_base* base, int signal, std::function<void()> arrived)
      : arrived_(std::move(arrived)), event_(evsignal_new(base, signal, &Signal::on_event, this)) {
    evsignal_add(event_.get(), nullptr);
  }

 private:
  static void on_event(evutil_socket_t, short, void* self) {
    static_cast<Signal*>(self)->arrived_();
  }

  std::function<void()> arrived_;
  EventPtr event_;
};

}  // namespace

class Loop::OwnTurn final : public base::Operation {
 public:
  OwnTurn(Loop& loop, std::function<void()> work) : loop_(loop), work_(std::move(work)) {
    loop_.waiting_.push_back(this);
    loop_.arm_turns();
  }
  ~OwnTurn() override {
    if (work_) std::erase(loop_.waiting_, this);
  }
  std::function<void()> take_work() { return std::exchange(work_, nullptr); }

 private:
  Loop& loop_;
  std::function<void()> work_;
};

Loop::Loop() : base_(event_base_new()) {
  if (!base_) throw std::runtime_error("no event loop: the kernel offers no epoll or poll");
  turn_event_.reset(evtimer_new(
      base_.get(),
      [](evutil_socket_t, short, void* self) { static_cast<Loop*>(self)->take_turn(); }, this));
}

Loop::~Loop() {
  turn_event_.reset();
  // Deferred frees of libevent run in a last turn, see LeakSanitizer.
  event_base_loop(base_.get(), EVLOOP_NONBLOCK);
}

void Loop::run() {
  stopped_ = false;
  while (!stopped_) {
    // The first reading in a turn holds for all of it.
    steady_.reset();
    wall_.reset();
    event_base_loop(base_.get(), EVLOOP_ONCE);
  }
  steady_.reset();
  wall_.reset();
}

base::SteadyTime Loop::steady() const {
  if (!steady_) steady_ = std::chrono::steady_clock::now();
  return *steady_;
}

base::WallTime Loop::wall() const {
  if (!wall_) wall_ = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return *wall_;
}

base::OperationPtr Loop::after(base::milliseconds delay, std::function<void()> fire) {
  return std::make_unique<Timer>(base_.get(), delay, std::move(fire));
}

base::OperationPtr Loop::on_signal(int signal, std::function<void()> arrived) {
  return std::make_unique<Signal>(base_.get(), signal, std::move(arrived));
}

base::OperationPtr Loop::in_own_turn(std::function<void()> work) {
  return std::make_unique<OwnTurn>(*this, std::move(work));
}

void Loop::arm_turns() {
  // A timer of zero fires after the next poll: whatever else became ready is served between.
  const timeval at_once{};
  if (!evtimer_pending(turn_event_.get(), nullptr)) evtimer_add(turn_event_.get(), &at_once);
}

void Loop::take_turn() {
  if (waiting_.empty()) return;
  auto* next = waiting_.front();
  waiting_.pop_front();
  if (!waiting_.empty()) arm_turns();
  const auto work = next->take_work();
  work();  // may destroy `next` and ask for further turns
}

}  // namespace tlspolicyd::net
