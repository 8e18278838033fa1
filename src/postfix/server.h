#pragma once

#include <array>
#include <list>
#include <memory>
#include <vector>

#include "base/log.h"
#include "net/listener.h"
#include "net/loop.h"
#include "postfix/connection.h"

namespace tlspolicyd::postfix {

/// Serves one protocol of Postfix's on any number of listeners.
///
/// Idle connections are kept: Postfix opens one per process. New ones are always accepted; when
/// there is no room the one that was idle for longest is closed, which Postfix does not notice
/// (decisions.md 16). A connection that stops half-way through a request or reply is closed after
/// kHalfwayLimit.
class Server final : private Connection::Owner {
 public:
  static constexpr base::seconds kHalfwayLimit{30};

  using MakeSession = std::function<std::unique_ptr<Session>()>;

  /// `make_session` is called for each client. Loop and log must outlive the server. `max_clients`
  /// is at least 1.
  Server(net::Loop& loop, MakeSession make_session, const base::Log& log, std::size_t max_clients);
  ~Server() override;

  /// Binds and listens. Throws std::runtime_error with a text for people.
  void listen(const net::ListenAddress& address);
  /// Accepts on a socket that listens already.
  void listen(net::FileDescriptor inherited);

  /// Closes those that were idle for longest where there are now too many.
  void set_max_clients(std::size_t max_clients);

  /// Takes no further connections and closes those that wait for nothing.
  void stop_accepting();

  std::size_t connections() const { return connections_.size(); }
  /// True while a client waits for an answer.
  bool is_busy() const;

 private:
  using Connections = std::list<std::unique_ptr<Connection>>;

  net::Listener::Callbacks callbacks();
  void accept(net::FileDescriptor socket);
  bool close_idlest();
  void sweep();

  void touched(Connection& connection) override;
  void ended(Connection& connection) override;
  std::span<char> scratch() override { return scratch_; }

  net::Loop& loop_;
  MakeSession make_session_;
  const base::Log& log_;
  std::size_t max_clients_;
  std::array<char, 16'384> scratch_;
  Connections connections_;  ///< the least recently used first
  std::unordered_map<const Connection*, Connections::iterator> places_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  base::OperationPtr sweep_;
};

}  // namespace tlspolicyd::postfix
