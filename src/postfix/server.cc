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

void Server::listen(const net::ListenAddress& address) {
  listeners_.push_back(std::make_unique<net::Listener>(loop_, address, callbacks()));
}

void Server::listen(net::FileDescriptor inherited) {
  listeners_.push_back(std::make_unique<net::Listener>(loop_, std::move(inherited), callbacks()));
}

net::Listener::Callbacks Server::callbacks() {
  return {.accepted = [this](net::FileDescriptor socket) { accept(std::move(socket)); },
          .out_of_room = [this] { return close_idlest(); }};
}

void Server::set_max_clients(std::size_t max_clients) {
  max_clients_ = max_clients;
  while (connections_.size() > max_clients_ && close_idlest()) {
  }
}

void Server::stop_accepting() {
  listeners_.clear();
  for (auto at = connections_.begin(); at != connections_.end();) {
    auto& connection = **at++;
    if (!connection.is_waiting()) ended(connection);
  }
}

bool Server::is_busy() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->is_waiting(); });
}

void Server::accept(net::FileDescriptor socket) {
  while (connections_.size() > max_clients_ && close_idlest()) {
  }
  if (connections_.size() >= max_clients_ && !close_idlest()) {
    // Everybody waits for an answer of ours; the newcomer's connection is closed and Postfix asks
    // again, as it does after a restart.
    log_.warning("connection refused: all clients wait for answers",
                 {{"clients", connections_.size()}});
    return;
  }
  Connection::Owner& owner = *this;
  connections_.push_back(
      std::make_unique<Connection>(loop_, make_session_(), owner, std::move(socket)));
  places_.emplace(connections_.back().get(), std::prev(connections_.end()));
}

bool Server::close_idlest() {
  const auto idlest =
      std::find_if(connections_.begin(), connections_.end(),
                   [](const auto& connection) { return !connection->is_waiting(); });
  if (idlest == connections_.end()) return false;
  ended(**idlest);
  return true;
}

void Server::sweep() {
  const auto now = loop_.steady();
  for (auto at = connections_.begin(); at != connections_.end();) {
    auto& connection = **at++;
    if (connection.is_halfway() && now - connection.last_used() > kHalfwayLimit) ended(connection);
  }
  sweep_ = loop_.after(kSweepInterval, [this] { sweep(); });
}

void Server::touched(Connection& connection) {
  connections_.splice(connections_.end(), connections_, places_.find(&connection)->second);
}

void Server::ended(Connection& connection) {
  const auto place = places_.find(&connection);
  const auto at = place->second;
  places_.erase(place);
  connections_.erase(at);
}

}  // namespace tlspolicyd::postfix
