#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/operation.h"
#include "net/file_descriptor.h"
#include "net/loop.h"
#include "net/socket_watch.h"
#include "postfix/session.h"

namespace tlspolicyd::postfix {

/// One connection of a client: reads requests, writes replies in the same order. Serves one request
/// at a time; what the client sent ahead waits in a bounded buffer.
class Connection {
 public:
  /// What a connection needs of the server that owns it.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The connection was used: it is now the last to be closed for want of room.
    virtual void touched(Connection& connection) = 0;
    /// The connection is over. Destroys it.
    virtual void ended(Connection& connection) = 0;
    /// Room to read into, shared by all connections within one turn of the loop.
    virtual std::span<char> scratch() = 0;
  };

  /// Serves `socket`, a connected stream, by `session`. Loop and owner must outlive it.
  Connection(net::Loop& loop, std::unique_ptr<Session> session, Owner& owner,
             net::FileDescriptor socket);

  /// True while it waits for an answer of ours: not to be closed for want of room.
  bool is_waiting() const { return waiting_ != nullptr; }
  /// True if half a request was read or half a reply written: nobody honest stays so for long.
  bool is_halfway() const { return (!in_.empty() && !waiting_) || !out_.empty(); }
  base::SteadyTime last_used() const { return last_used_; }

 private:
  void on_writable();
  void on_reply(std::string_view reply);
  void on_drained();

  // Each returns false if it has ended the connection, and thereby destroyed this.
  bool read_some();
  bool serve(std::string_view bytes);
  bool flush();
  bool end();

  net::Loop& loop_;
  std::unique_ptr<Session> session_;
  Owner& owner_;
  net::FileDescriptor socket_;
  std::string in_;   ///< read, not served yet
  std::string out_;  ///< to be written
  base::SteadyTime last_used_;
  net::SocketWatch readable_;
  std::optional<net::SocketWatch> writable_;  ///< while the client does not read
  base::OperationPtr waiting_;
};

}  // namespace tlspolicyd::postfix
