#include "postfix/server.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::postfix {
namespace {

constexpr base::seconds kSweepInterval{5};

}  // namespace

Server::Server(net::Loop& loop, MakeSession make_session, const base::Log& log,
               std::size_t max_clients)
    : loop_(loop), make_session_(std::move(make_session)), log_(log), max_clients_(max_clients) {
  sweep();
}

Server::~Server() = default;

std::size_t Server::reserve_for(std::size_t max_clients) {
  constexpr std::size_t kLeast = 16;
  return std::min(max_clients, std::max(kLeast, max_clients / 16));
}

void Server::listen(const net::ListenAddress& address) {
  listeners_.push_back(std::make_unique<net::Listener>(loop_, address, callbacks()));
}

void Server::listen(net::FileDescriptor inherited) {
  listeners_.push_back(std::make_unique<net::Listener>(loop_, std::move(inherited), callbacks()));
}

net::Listener::Callbacks Server::callbacks() {
  return {.accepted = [this](net::FileDescriptor socket) { accept(std::move(socket)); },
          .out_of_room = [this] { return make_room(); }};
}

void Server::set_max_clients(std::size_t max_clients) {
  max_clients_ = max_clients;
  close_idlest_beyond(limit());
}

void Server::stop_accepting() {
  listeners_.clear();
  while (close_idlest()) {
  }
}

/// Whatever waits, there is room for the reserve.
std::size_t Server::limit() const {
  return std::max(max_clients_,
                  std::min(waiting_.size(), max_clients_) + reserve_for(max_clients_));
}

void Server::accept(net::FileDescriptor socket) {
  displace_beyond_limit();
  close_idlest_beyond(limit() - 1);
  // Those who gave way may have had a further request ready that waits now.
  if (connections_.size() >= limit()) ended(*waiting_.first_to_give_way());
  Connection::Owner& owner = *this;
  auto connection = std::make_unique<Connection>(loop_, make_session_(), owner, std::move(socket));
  auto* const key = connection.get();
  idle_.push_back(key);
  connections_.emplace(key, Held{std::move(connection), std::prev(idle_.end())});
}

bool Server::close_idlest() {
  if (idle_.empty()) return false;
  ended(*idle_.front());
  return true;
}

void Server::close_idlest_beyond(std::size_t limit) {
  while (connections_.size() > limit && close_idlest()) {
  }
}

/// File descriptors are used up: a client that waits must not keep others from cached answers here
/// either.
bool Server::make_room() {
  if (close_idlest()) return true;
  // What gives way may have got a reply and be idle now.
  return displace_one() && (close_idlest() || true);
}

/// One for each that is too many and no more, since who gives way may go on to its next request.
void Server::displace_beyond_limit() {
  for (auto n = waiting_.size(); n > max_clients_; --n) displace_one();
}

bool Server::displace_one() {
  auto* const longest = waiting_.first_to_give_way();
  if (longest == nullptr) return false;
  ++displaced_;
  log_displaced();
  longest->stop_waiting();
  return true;
}

void Server::log_displaced() {
  if (log_rest_ || displaced_ == logged_) return;
  log_.warning("waiting clients displaced: too many wait for answers",
               {{"count", displaced_ - logged_}, {"waiting", waiting_.size()}});
  logged_ = displaced_;
  log_rest_ = loop_.after(kLogInterval, [this] {
    log_rest_.reset();
    log_displaced();
  });
}

void Server::sweep() {
  const auto now = loop_.steady();
  for (auto at = idle_.begin(); at != idle_.end();) {
    auto& connection = **at++;
    if (connection.is_halfway() && now - connection.last_used() > kHalfwayLimit) ended(connection);
  }
  sweep_ = loop_.after(kSweepInterval, [this] { sweep(); });
}

void Server::touched(Connection& connection) {
  const auto& place = connections_.at(&connection).idle;
  if (place) idle_.splice(idle_.end(), idle_, *place);
}

void Server::waits(Connection& connection, std::string_view key) {
  auto& place = connections_.at(&connection).idle;
  idle_.erase(*place);
  place.reset();
  waiting_.add(connection, key);
  displace_soon();
}

/// Not at once: the service may be telling others their answers.
void Server::displace_soon() {
  if (waiting_.size() <= max_clients_ || displacement_) return;
  displacement_ = loop_.in_own_turn([this] {
    displacement_.reset();
    displace_beyond_limit();
    displace_soon();
  });
}

void Server::answered(Connection& connection) {
  waiting_.remove(connection);
  connections_.at(&connection).idle = idle_.insert(idle_.end(), &connection);
}

void Server::ended(Connection& connection) {
  const auto held = connections_.extract(&connection);
  if (held.mapped().idle) idle_.erase(*held.mapped().idle);
  waiting_.remove(connection);
}

}  // namespace tlspolicyd::postfix
