#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "net/listener.h"
#include "net/loop.h"
#include "postfix/connection.h"
#include "postfix/waiting_clients.h"

namespace tlspolicyd::postfix {

/// Serves one of Postfix's protocols on any number of listeners.
///
/// Idle connections are kept: Postfix opens one per process. New connections are always accepted
/// (decisions 16 and 31). When there is no room the connection that was idle for longest is closed,
/// which Postfix does not notice. At most `max_clients` connections wait for an answer; beside them
/// there is always room for reserve_for() others, whose requests are answered if the answer is
/// cached. A request that would have to wait beyond the limit makes another one give way (see
/// WaitingClients); that one gets Session::reply_without_waiting() or, without one, is closed, upon
/// which Postfix connects again and repeats its request.
///
/// A connection that stops half-way through a request or reply is closed after kHalfwayLimit.
class Server final : private Connection::Owner {
 public:
  static constexpr base::seconds kHalfwayLimit{30};
  /// Between two log lines that say that connections gave way.
  static constexpr base::seconds kLogInterval{60};

  using MakeSession = std::function<std::unique_ptr<Session>()>;

  /// `make_session` is called for each client. Loop and log must outlive the server. `max_clients`
  /// is at least 1.
  Server(net::Loop& loop, MakeSession make_session, const base::Log& log, std::size_t max_clients);
  ~Server() override;

  /// The connections that have room beside `max_clients` waiting ones: a sixteenth of them, at
  /// least 16, but never more than `max_clients`.
  static std::size_t reserve_for(std::size_t max_clients);

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
  bool is_busy() const { return !waiting_.empty(); }
  /// Requests that gave way to others since the start.
  std::uint64_t displaced() const { return displaced_; }

 private:
  /// Those that wait for nothing are in idle_, the least recently used first.
  using Idle = std::list<Connection*>;
  struct Held {
    std::unique_ptr<Connection> connection;
    std::optional<Idle::iterator> idle{};
  };

  net::Listener::Callbacks callbacks();
  void accept(net::FileDescriptor socket);
  bool make_room();
  bool close_idlest();
  void close_idlest_beyond(std::size_t limit);
  std::size_t limit() const;
  void displace_soon();
  void displace_beyond_limit();
  bool displace_one();
  void log_displaced();
  void sweep();

  void touched(Connection& connection) override;
  void waits(Connection& connection, std::string_view key) override;
  void answered(Connection& connection) override;
  void ended(Connection& connection) override;
  std::span<char> scratch() override { return scratch_; }

  net::Loop& loop_;
  MakeSession make_session_;
  const base::Log& log_;
  std::size_t max_clients_;
  std::array<char, 16'384> scratch_;
  std::uint64_t displaced_ = 0;
  std::uint64_t logged_ = 0;  ///< of displaced_
  Idle idle_;
  WaitingClients waiting_;
  std::unordered_map<const Connection*, Held> connections_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  base::OperationPtr displacement_;
  base::OperationPtr log_rest_;
  base::OperationPtr sweep_;
};

}  // namespace tlspolicyd::postfix
