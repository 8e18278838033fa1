#pragma once

#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/operation.h"

namespace tlspolicyd::service {

/// Bounds how many policies are fetched at a time, in all and per registered domain, so that
/// nobody's slow hosts take the places of others (threats ).
///
/// A fetch that has held its place for kSlow gives it back and goes on as a slow one, of which
/// there may be four times as many: hosts that stall hold up nobody for longer than that.
class FetchSlots {
 public:
  struct Limits {
    std::size_t total = 64;
    std::size_t per_registered_domain = 4;
    std::size_t waiting = 4096;
    std::size_t waiting_per_registered_domain = 64;
  };
  static constexpr base::milliseconds kSlow{2000};

  FetchSlots(base::Timers& timers, Limits limits) : timers_(timers), limits_(limits) {}
  FetchSlots(const FetchSlots&) = delete;
  FetchSlots& operator=(const FetchSlots&) = delete;

  /// Slots that are held stay so, also where there are now too many.
  void set_limits(Limits limits);

  /// A place in the queue, then a slot: calls `granted` (never from inside request()) when the
  /// fetch may begin; destroying the operation gives the slot or the place back. Returns nullptr if
  /// it would have to wait and the queue, or the registered domain's share of it, is full. The
  /// FetchSlots must outlive what it returned.
  base::OperationPtr request(std::string registered_domain, std::function<void()> granted);

  /// True if a fetch requested now would not have to wait.
  bool has_room(const std::string& registered_domain) const;

  std::size_t waiting() const { return waiting_; }

 private:
  class Slot;
  struct Share {
    std::size_t holding = 0;
    std::deque<Slot*> waiting;
  };

  bool may_begin(const Share& share) const;
  void begin(Slot& slot);
  void watch_for_slowness(Slot& slot);
  void grant_waiting();
  void forget(Slot& slot);

  base::Timers& timers_;
  Limits limits_;
  std::unordered_map<std::string, Share> shares_;
  std::deque<std::string> turns_;  ///< registered domains with waiting slots, in order of service
  std::size_t brisk_ = 0;
  std::size_t slow_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace tlspolicyd::service
