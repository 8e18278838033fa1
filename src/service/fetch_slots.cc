#include "service/fetch_slots.h"

#include <algorithm>

namespace tlspolicyd::service {
namespace {

constexpr std::size_t kSlowFactor = 4;

}  // namespace

class FetchSlots::Slot final : public base::Operation {
 public:
  enum class State { waiting, brisk, slow };

  Slot(FetchSlots& slots, std::string domain, Purpose purpose, std::function<void()> granted)
      : slots_(slots),
        domain_(std::move(domain)),
        purpose_(purpose),
        granted_(std::move(granted)) {}
  ~Slot() override { slots_.forget(*this); }

 private:
  friend class FetchSlots;
  FetchSlots& slots_;
  std::string domain_;
  Purpose purpose_;
  std::function<void()> granted_;
  State state_ = State::waiting;
  base::OperationPtr timer_;
};

void FetchSlots::set_limits(Limits limits) {
  limits_ = limits;
  grant_waiting();
}

base::OperationPtr FetchSlots::request(std::string registered_domain, Purpose purpose,
                                       std::function<void()> granted) {
  const auto known = shares_.find(registered_domain);
  const Share none;
  const auto& before = known == shares_.end() ? none : known->second;
  if (!may_begin(before, purpose) && waiting_ >= limits_.waiting) return nullptr;
  if (before.waiting[at(purpose)].size() >= limits_.waiting_per_registered_domain) return nullptr;
  auto slot =
      std::make_unique<Slot>(*this, std::move(registered_domain), purpose, std::move(granted));
  auto& share = shares_[slot->domain_];
  if (must_wait(share, purpose)) {
    auto& waiting = share.waiting[at(purpose)];
    if (waiting.empty()) turns_[at(purpose)].push_back(slot->domain_);
    waiting.push_back(slot.get());
    ++waiting_;
  } else {
    begin(*slot);
  }
  return slot;
}

bool FetchSlots::has_room(const std::string& registered_domain, Purpose purpose) const {
  const auto known = shares_.find(registered_domain);
  return !must_wait(known == shares_.end() ? Share{} : known->second, purpose);
}

bool FetchSlots::may_begin(const Share& share, Purpose purpose) const {
  const auto most = limits_.per_registered_domain;
  if (purpose == Purpose::refresh &&
      share.holding[at(purpose)] >= std::max<std::size_t>(most / 2, 1))
    return false;
  return brisk_ < limits_.total && share.holding[0] + share.holding[1] < most;
}

/// A later request does not pass those of its own registered domain that wait.
bool FetchSlots::must_wait(const Share& share, Purpose purpose) const {
  if (!share.waiting[at(Purpose::question)].empty()) return true;
  if (purpose == Purpose::refresh && !share.waiting[at(purpose)].empty()) return true;
  return !may_begin(share, purpose);
}

void FetchSlots::begin(Slot& slot) {
  ++brisk_;
  ++shares_[slot.domain_].holding[at(slot.purpose_)];
  slot.state_ = Slot::State::brisk;
  slot.timer_ = timers_.after(base::milliseconds(0), [this, &slot] {
    watch_for_slowness(slot);
    const auto granted = std::move(slot.granted_);
    granted();  // may destroy the slot
  });
}

void FetchSlots::watch_for_slowness(Slot& slot) {
  slot.timer_ = timers_.after(kSlow, [this, &slot] {
    if (slow_ >= limits_.total * kSlowFactor) return watch_for_slowness(slot);
    slot.state_ = Slot::State::slow;
    --brisk_;
    ++slow_;
    grant_waiting();
  });
}

void FetchSlots::grant_waiting() {
  grant_waiting(Purpose::question);
  grant_waiting(Purpose::refresh);
}

void FetchSlots::grant_waiting(Purpose purpose) {
  // Registered domains take turns: one with a thousand names waits behind itself only.
  auto& turns = turns_[at(purpose)];
  for (auto tries = turns.size(); tries > 0 && brisk_ < limits_.total; --tries) {
    auto domain = std::move(turns.front());
    turns.pop_front();
    auto& share = shares_[domain];
    auto& waiting = share.waiting[at(purpose)];
    if (may_begin(share, purpose)) {
      auto* slot = waiting.front();
      waiting.pop_front();
      --waiting_;
      begin(*slot);
    }
    if (!waiting.empty()) turns.push_back(std::move(domain));
  }
}

void FetchSlots::forget(Slot& slot) {
  auto& share = shares_[slot.domain_];
  auto& waiting = share.waiting[at(slot.purpose_)];
  if (slot.state_ == Slot::State::waiting) {
    std::erase(waiting, &slot);
    --waiting_;
    if (waiting.empty()) std::erase(turns_[at(slot.purpose_)], slot.domain_);
  } else {
    --share.holding[at(slot.purpose_)];
    --(slot.state_ == Slot::State::slow ? slow_ : brisk_);
  }
  if (share.holding[0] + share.holding[1] == 0 && share.waiting[0].empty() &&
      share.waiting[1].empty())
    shares_.erase(slot.domain_);
  grant_waiting();
}

}  // namespace tlspolicyd::service
