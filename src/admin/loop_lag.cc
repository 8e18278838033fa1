#include "admin/loop_lag.h"

#include <algorithm>
#include <chrono>

namespace tlspolicyd::admin {

LoopLag::LoopLag(const base::Clock& clock, base::Timers& timers) : clock_(clock), timers_(timers) {
  timer_ = timers_.after(base::milliseconds{0}, [this] { wait(); });
}

void LoopLag::wait() {
  due_ = clock_.steady() + kInterval;
  timer_ = timers_.after(kInterval, [this] {
    note(std::chrono::duration<double>(clock_.steady() - due_).count());
    wait();
  });
}

void LoopLag::note(double lag) {
  const auto now = turn();
  auto& slot = slots_[static_cast<std::size_t>(now) % kSlots];
  if (slot.turn != now) slot = {now, 0};
  slot.worst = std::max(slot.worst, lag);
}

double LoopLag::worst() const {
  double worst = 0;
  for (const auto& slot : slots_)
    if (slot.turn > turn() - kMemory / kSpan) worst = std::max(worst, slot.worst);
  return worst;
}

base::SteadyTime::rep LoopLag::turn() const { return clock_.steady().time_since_epoch() / kSpan; }

}  // namespace tlspolicyd::admin
