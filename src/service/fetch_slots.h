#pragma once

#include <array>
#include <cstdint>
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
/// Questions pass refreshes: a refresh waits behind all fetches that a question waits for, and
/// refreshes hold no more than half of a registered domain's slots, so that hosts which stall while
/// they are refreshed do not stand before a new name below it.
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
  enum class Purpose : std::uint8_t { question, refresh };

  FetchSlots(base::Timers& timers, Limits limits) : timers_(timers), limits_(limits) {}
  FetchSlots(const FetchSlots&) = delete;
  FetchSlots& operator=(const FetchSlots&) = delete;

  /// Slots that are held stay so, also where there are now too many.
  void set_limits(Limits limits);

  /// A place in the queue, then a slot: calls `granted` (never from inside request()) when the
  /// fetch may begin; destroying the operation gives the slot or the place back. Returns nullptr if
  /// it would have to wait and the queue, or the registered domain's share of it, is full. The
  /// FetchSlots must outlive what it returned.
  base::OperationPtr request(std::string registered_domain, Purpose purpose,
                             std::function<void()> granted);

  /// True if a fetch requested now would not have to wait.
  bool has_room(const std::string& registered_domain, Purpose purpose) const;

  std::size_t waiting() const { return waiting_; }

 private:
  class Slot;
  template <class T>
  using ByPurpose = std::array<T, 2>;
  struct Share {
    ByPurpose<std::size_t> holding{};
    ByPurpose<std::deque<Slot*>> waiting;
  };

  static std::size_t at(Purpose purpose) { return static_cast<std::size_t>(purpose); }
  bool may_begin(const Share& share, Purpose purpose) const;
  bool must_wait(const Share& share, Purpose purpose) const;
  void begin(Slot& slot);
  void watch_for_slowness(Slot& slot);
  void grant_waiting();
  void grant_waiting(Purpose purpose);
  void forget(Slot& slot);

  base::Timers& timers_;
  Limits limits_;
  std::unordered_map<std::string, Share> shares_;
  /// Registered domains with waiting slots, in order of service.
  ByPurpose<std::deque<std::string>> turns_;
  std::size_t brisk_ = 0;
  std::size_t slow_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace tlspolicyd::service
