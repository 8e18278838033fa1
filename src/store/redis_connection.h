#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/redis_server.h"

struct redisContext;
struct redisReply;

namespace tlspolicyd::store {

/// True if the program was built with hiredis; without it no connection is to be had.
bool has_redis();

/// A reply of the Redis protocol (RESP2), as far as it is of use here: a text (also for numbers and
/// status lines), a list, an error of the server's, or nothing.
struct RedisReply {
  std::optional<std::string> text{};
  std::vector<RedisReply> items{};
  std::optional<base::Error> refusal{};  ///< Fault::system
};

/// A connection to a Redis or Valkey server. It blocks, each step for at most the patience: it is
/// for a thread of its own. Errors of all functions: Fault::system with the server's or the
/// system's text, printable; after one of take_arrived(), or one of the system, the connection is
/// of no use any more.
class RedisConnection {
 public:
  using Command = std::vector<std::string>;

  /// Connects, and logs in and selects the database where the server says so. A name is looked up
  /// with the system's resolver, which may take longer than the patience.
  static base::Result<std::unique_ptr<RedisConnection>> open(const RedisServer& server,
                                                             base::milliseconds patience);
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;
  ~RedisConnection();

  /// The reply; one that is an error is an error.
  base::Result<RedisReply> ask(const Command& command);
  /// Sends all at once; a reply for each, of which some may be refusals.
  base::Result<std::vector<RedisReply>> ask_all(const std::vector<Command>& commands);

  /// Sends, and leaves the reply for take_arrived(): after SUBSCRIBE there is no order of both.
  base::Result<bool> send(const Command& command);
  /// What has arrived unasked, such as published messages; never waits if descriptor() is readable.
  base::Result<std::vector<RedisReply>> take_arrived();
  /// For poll(2).
  int descriptor() const;

 private:
  explicit RedisConnection(redisContext* context) : context_(context) {}

  base::Result<bool> append(const Command& command);
  base::Error trouble() const;

  redisContext* context_;
};

}  // namespace tlspolicyd::store
