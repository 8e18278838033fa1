#include "service/fetch_slots.h"

#include <algorithm>

namespace tlspolicyd::service {
namespace {

constexpr std::size_t kSlowFactor = 4;

}  // namespace

class FetchSlots::Slot final : public base::Operation {
 public:
  enum class State { waiting, brisk, slow };

  Slot(FetchSlots& slots, std::string domain, std::function<void()> granted)
      : slots_(slots), domain_(std::move(domain)), granted_(std::move(granted)) {}
  ~Slot() override { slots_.forget(*this); }

 private:
  friend class FetchSlots;
  FetchSlots& slots_;
  std::string domain_;
  std::function<void()> granted_;
  State state_ = State::waiting;
  base::OperationPtr timer_;
};

void FetchSlots::set_limits(Limits limits) {
  limits_ = limits;
  grant_waiting();
}

base::OperationPtr FetchSlots::request(std::string registered_domain,
                                       std::function<void()> granted) {
  const auto known = shares_.find(registered_domain);
  const bool begins = known == shares_.end() ? brisk_ < limits_.total : may_begin(known->second);
  if (!begins && waiting_ >= limits_.waiting) return nullptr;
  if (known != shares_.end() &&
      known->second.waiting.size() >= limits_.waiting_per_registered_domain)
    return nullptr;
  auto slot = std::make_unique<Slot>(*this, std::move(registered_domain), std::move(granted));
  auto& share = shares_[slot->domain_];
  if (share.waiting.empty() && may_begin(share)) {
    begin(*slot);
  } else {
    if (share.waiting.empty()) turns_.push_back(slot->domain_);
    share.waiting.push_back(slot.get());
    ++waiting_;
  }
  return slot;
}

bool FetchSlots::has_room(const std::string& registered_domain) const {
  const auto known = shares_.find(registered_domain);
  if (known == shares_.end()) return brisk_ < limits_.total;
  return known->second.waiting.empty() && may_begin(known->second);
}

bool FetchSlots::may_begin(const Share& share) const {
  return brisk_ < limits_.total && share.holding < limits_.per_registered_domain;
}

void FetchSlots::begin(Slot& slot) {
  ++brisk_;
  ++shares_[slot.domain_].holding;
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
  // Registered domains take turns: one with a thousand names waits behind itself only.
  for (auto tries = turns_.size(); tries > 0 && brisk_ < limits_.total; --tries) {
    auto domain = std::move(turns_.front());
    turns_.pop_front();
    auto& share = shares_[domain];
    if (may_begin(share)) {
      auto* slot = share.waiting.front();
      share.waiting.pop_front();
      --waiting_;
      begin(*slot);
    }
    if (!share.waiting.empty()) turns_.push_back(std::move(domain));
  }
}

void FetchSlots::forget(Slot& slot) {
  auto& share = shares_[slot.domain_];
  if (slot.state_ == Slot::State::waiting) {
    std::erase(share.waiting, &slot);
    --waiting_;
    if (share.waiting.empty()) std::erase(turns_, slot.domain_);
  } else {
    --share.holding;
    --(slot.state_ == Slot::State::slow ? slow_ : brisk_);
  }
  if (share.holding == 0 && share.waiting.empty()) shares_.erase(slot.domain_);
  grant_waiting();
}

}  // namespace tlspolicyd::service
