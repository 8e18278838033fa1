#pragma once

#include <cstddef>
#include <functional>
#include <list>

#include "base/operation.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// Limits how many DNS questions have sockets at once. A question holds a place while it asks and
/// none while it pauses; the line of those that come back is served before the line of new ones.
///
/// A question whose attempts are used up and that only listens holds no place either: silent name
/// servers must not keep others from asking until the deadline. Listeners have a limit of their
/// own, as many as there are places.
class DnsPlaces {
 public:
  /// The questions without a place, in line or pausing; a new one beyond it is refused.
  static constexpr std::size_t kMaxWaiting = 16384;

  class Claim;

  /// `loop` must outlive the object, and the object must outlive its claims.
  explicit DnsPlaces(Loop& loop) : loop_(loop) {}
  DnsPlaces(const DnsPlaces&) = delete;
  DnsPlaces& operator=(const DnsPlaces&) = delete;

  /// At least one. A larger limit takes effect when a place is given back.
  void set_limit(std::size_t limit);

 private:
  using Line = std::list<Claim*>;

  bool is_full() const { return claims_ >= limit_ + kMaxWaiting; }
  bool has_room() const { return held_ < limit_; }
  void give_back();
  void grant();

  Loop& loop_;
  std::size_t limit_ = 1;
  std::size_t held_ = 0;
  std::size_t listeners_ = 0;
  std::size_t claims_ = 0;  ///< admitted, with a place or without
  Line returning_;
  Line new_;
  base::OperationPtr refill_;
};

/// One question's claim to a place, from its beginning to its end.
class DnsPlaces::Claim {
 public:
  /// `granted` is called when a place becomes free for it, never from inside enter() or
  /// come_back().
  Claim(DnsPlaces& places, std::function<void()> granted);
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  enum class Entry {
    has_place,
    in_line,  ///< `granted` follows
    refused   ///< too many wait already
  };
  /// The first time.
  Entry enter();
  /// Gives the place back to listen. False, and the place is kept, if too many listen already.
  bool listen();
  bool is_listening() const { return state_ == State::listening; }
  /// After step_aside() or listen(). True if it has a place at once, else `granted` follows.
  bool come_back();
  /// Gives the place back; the claim stays admitted.
  void step_aside();
  /// Gives up the place or the position in line, and the claim.
  void leave();

 private:
  friend class DnsPlaces;
  enum class State { outside, aside, listening, in_new, in_returning, holding };
  void line_up(Line& line, State state);
  void hold();

  DnsPlaces& places_;
  std::function<void()> granted_;
  State state_ = State::outside;
  Line::iterator position_;
};

}  // namespace tlspolicyd::net
