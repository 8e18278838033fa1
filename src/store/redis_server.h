#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::store {

/// Where a Redis or Valkey server is, and how to be let in.
struct RedisServer {
  std::string host{};  ///< name or address; "" with a path
  std::uint16_t port = 6379;
  std::string path{};      ///< of a unix socket
  std::string user{};      ///< "": the server's default user
  std::string password{};  ///< "": none is asked for
  std::uint32_t database = 0;

  /// As parse_redis_server() reads it, but a password as "***".
  std::string text() const;
  bool operator==(const RedisServer&) const = default;
};

/// Reads "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]", HOST a name, an IPv4 address or
/// [an IPv6 address], or "redis+unix://[[USER]:PASSWORD@]/PATH[?db=DATABASE]", %XX in each part but
/// numbers. Error: Fault::invalid with a text that says what is expected.
base::Result<RedisServer> parse_redis_server(std::string_view text);

}  // namespace tlspolicyd::store
