#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/listen_address.h"
#include "tool/connection.h"

namespace tlspolicyd::tool {

/// A reply of the daemon's admin socket.
struct AdminReply {
  int status = 0;  ///< of RFC 9110
  std::string body;
};

/// Longest reply that is taken, header included.
inline constexpr std::size_t kMaxAdminReply = 16 * 1024 * 1024;

/// Reads a whole reply, as it was read until the end of the connection. It must have a
/// Content-Length, and the body that it promises. Error: Fault::invalid.
base::Result<AdminReply> parse_admin_reply(std::string_view bytes);

/// Sends one request and reads the reply, blocking, each step at most `patience`: a refresh takes
/// as long as the policy host. `target` is path and query. Error: Fault::connect with a text that
/// names the endpoint, Fault::invalid for what is no reply.
base::Result<AdminReply> ask_admin(const net::ListenAddress& daemon, std::string_view method,
                                   std::string_view target,
                                   base::seconds patience = kPatienceOfPostfix);

/// `text` as a value in a query (RFC 3986 2.1).
std::string query_escaped(std::string_view text);

}  // namespace tlspolicyd::tool
