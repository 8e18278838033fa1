#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/operation.h"
#include "net/file_descriptor.h"
#include "net/loop.h"
#include "net/socket_watch.h"
#include "postfix/session.h"

namespace tlspolicyd::postfix {

/// One connection of a client: reads requests, writes replies in the same order. Serves one request
/// at a time; what the client sent ahead waits in a bounded buffer.
///
/// A client that has closed its writing side gets the replies to all that it sent before. Once the
/// session is over, what is unsent is sent, and what the client still sends is discarded so that no
/// reset takes the reply from it; both within kClosePatience and kMaxDiscarded.
class Connection {
 public:
  static constexpr base::seconds kClosePatience{2};
  static constexpr std::size_t kMaxDiscarded = 1'048'576;

  /// What a connection needs of the server that owns it.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The connection was used: it is now the last to be closed for want of room.
    virtual void touched(Connection& connection) = 0;
    /// A request of the connection waits for an answer, under this key of WaitingClients. The
    /// connection is used after the return.
    virtual void waits(Connection& connection, std::string_view key) = 0;
    /// The request that waited waits no more.
    virtual void answered(Connection& connection) = 0;
    /// The connection is over. Destroys it.
    virtual void ended(Connection& connection) = 0;
    /// Room to read into, shared by all connections within one turn of the loop.
    virtual std::span<char> scratch() = 0;
  };

  /// Serves `socket`, a connected stream, by `session`. Loop and owner must outlive it.
  Connection(net::Loop& loop, std::unique_ptr<Session> session, Owner& owner,
             net::FileDescriptor socket);

  /// Ends the present wait with the session's reply_without_waiting(), or without one the
  /// connection, and thereby destroys it. REQUIRES: a request waits.
  void stop_waiting();

  /// True if half a request was read or half a reply written: nobody honest stays so for long.
  bool is_halfway() const { return (!in_.empty() && !waiting_) || !out_.empty(); }
  base::SteadyTime last_used() const { return last_used_; }

 private:
  void on_writable();
  void on_reply(std::string_view reply);
  void on_drained();

  // Each returns false if it has ended the connection, and thereby destroyed this.
  bool read_some();
  bool on_end_of_input();
  bool discard(std::size_t length);
  bool serve(std::string_view bytes);
  bool close();
  bool flush();
  bool end();
  bool is_gone() const;
  void resume_reading();

  net::Loop& loop_;
  std::unique_ptr<Session> session_;
  Owner& owner_;
  net::FileDescriptor socket_;
  std::string in_;   ///< read, not served yet
  std::string out_;  ///< to be written
  base::SteadyTime last_used_;
  net::SocketWatch readable_;
  std::optional<net::SocketWatch> writable_;  ///< while the client does not read
  bool input_ended_ = false;                  ///< the client has closed its writing side
  base::OperationPtr closing_;                ///< since the session is over: ends the connection
  std::size_t discarded_ = 0;
  base::OperationPtr waiting_;
};

}  // namespace tlspolicyd::postfix
