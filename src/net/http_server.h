#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/operation.h"
#include "net/http_request.h"
#include "net/listener.h"
#include "net/loop.h"

namespace tlspolicyd::net {

struct HttpReply {
  int status = 200;
  std::string body{};
  std::string media_type = "application/json";
  std::string_view allow{};  ///< of status 405: the methods that there are
};

/// An HTTP/1.1 server for operators and their monitoring: few clients, each with one small request
/// per connection (RFC 9112 9.6: every reply says "Connection: close").
///
/// Everything is bounded, since the clients may be hostile: the request (HttpRequestParser), the
/// time for sending it and for taking the reply, the connections. Where these are used up the
/// oldest of those that do not wait for us is closed; a newcomer is refused (503) only if all wait
/// for replies of ours. A client that has closed its writing side gets its reply.
class HttpServer {
 public:
  static constexpr std::size_t kMaxConnections = 64;
  static constexpr base::seconds kRequestPatience{10};  ///< from the connection to the last byte
  static constexpr base::seconds kReplyPatience{30};    ///< for taking all of it

  using Done = std::function<void(HttpReply)>;

  /// A reply, or what will call `done` with it later: once, and not from inside the handler.
  struct Handling {
    Handling(HttpReply now) : reply(std::move(now)) {}  // NOLINT(google-explicit-constructor)
    Handling(base::OperationPtr later)                  // NOLINT(google-explicit-constructor)
        : waiting(std::move(later)) {}
    std::optional<HttpReply> reply;
    base::OperationPtr waiting;  ///< destroyed if the client goes away
  };
  using Handler = std::function<Handling(const HttpRequest& request, Done done)>;

  /// `handler` is called for each request that is well formed. Loop and log must outlive it.
  HttpServer(Loop& loop, Handler handler, const base::Log& log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and listens. Throws std::runtime_error with a text for people.
  void listen(const ListenAddress& address);
  /// Accepts on a socket that listens already.
  void listen(FileDescriptor inherited);

  /// Takes no further connections and closes those whose request is not complete.
  void stop_accepting();

  std::size_t connections() const { return connections_.size(); }
  /// True while a client waits for a reply.
  bool is_busy() const;

 private:
  class Connection;

  Listener::Callbacks callbacks();
  void accept(FileDescriptor socket);
  bool close_oldest();
  void ended(Connection& connection);

  Loop& loop_;
  Handler handler_;
  const base::Log& log_;
  std::list<std::unique_ptr<Connection>> connections_;  ///< the oldest first
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace tlspolicyd::net
