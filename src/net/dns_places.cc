#include "net/dns_places.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::net {

void DnsPlaces::set_limit(std::size_t limit) { limit_ = std::max<std::size_t>(limit, 1); }

void DnsPlaces::give_back() {
  --held_;
  // In the next turn, so that giving up many questions at once does not first start them.
  if (!(returning_.empty() && new_.empty()) && !refill_)
    refill_ = loop_.after(base::milliseconds(0), [this] { grant(); });
}

void DnsPlaces::grant() {
  refill_.reset();
  while (has_room() && !(returning_.empty() && new_.empty())) {
    auto& line = returning_.empty() ? new_ : returning_;
    auto* next = line.front();
    line.pop_front();
    next->hold();
    next->granted_();
  }
}

DnsPlaces::Claim::Claim(DnsPlaces& places, std::function<void()> granted)
    : places_(places), granted_(std::move(granted)) {}

DnsPlaces::Claim::~Claim() { leave(); }

DnsPlaces::Claim::Entry DnsPlaces::Claim::enter() {
  if (places_.is_full()) return Entry::refused;
  ++places_.claims_;
  if (places_.has_room() && places_.returning_.empty() && places_.new_.empty()) {
    hold();
    return Entry::has_place;
  }
  line_up(places_.new_, State::in_new);
  return Entry::in_line;
}

bool DnsPlaces::Claim::come_back() {
  if (state_ == State::listening) --places_.listeners_;
  if (places_.has_room() && places_.returning_.empty()) {
    hold();
    return true;
  }
  line_up(places_.returning_, State::in_returning);
  return false;
}

void DnsPlaces::Claim::step_aside() {
  state_ = State::aside;
  places_.give_back();
}

bool DnsPlaces::Claim::listen() {
  if (places_.listeners_ >= places_.limit_) return false;
  ++places_.listeners_;
  state_ = State::listening;
  places_.give_back();
  return true;
}

void DnsPlaces::Claim::leave() {
  switch (std::exchange(state_, State::outside)) {
    case State::outside: return;
    case State::aside: break;
    case State::listening: --places_.listeners_; break;
    case State::in_new: places_.new_.erase(position_); break;
    case State::in_returning: places_.returning_.erase(position_); break;
    case State::holding: places_.give_back(); break;
  }
  --places_.claims_;
}

void DnsPlaces::Claim::line_up(Line& line, State state) {
  state_ = state;
  position_ = line.insert(line.end(), this);
}

void DnsPlaces::Claim::hold() {
  state_ = State::holding;
  ++places_.held_;
}

}  // namespace tlspolicyd::net
