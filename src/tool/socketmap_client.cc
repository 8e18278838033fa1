#include "tool/socketmap_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "postfix/netstring.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;

// Postfix's own limit for a reply.
constexpr std::size_t kMaxReply = 100'000;

}  // namespace

base::Result<SocketmapClient> SocketmapClient::connect(const net::ListenAddress& server,
                                                       base::seconds patience) {
  auto socket = tool::connect(server, patience);
  if (!socket) return socket.error();
  return SocketmapClient(std::move(*socket), text_of(server));
}

base::Result<std::string> SocketmapClient::ask(std::string_view map, std::string_view key) {
  std::string request;
  postfix::append_netstring(request, fmt::format("{} {}", map, key));
  if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return Error{Fault::connect, fmt::format("{}: {}", name_, std::strerror(errno))};
  std::string buffer;
  char chunk[4096];
  for (;;) {
    const auto reply = postfix::read_netstring(buffer, kMaxReply);
    if (reply.status == postfix::Netstring::Status::complete) return std::string(reply.payload);
    if (reply.status == postfix::Netstring::Status::malformed)
      return Error{Fault::invalid, name_ + ": the reply is no netstring"};
    const auto length = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (length == 0) return Error{Fault::connect, name_ + ": the server closed the connection"};
    if (length < 0)
      return Error{Fault::connect, fmt::format("{}: {}", name_, std::strerror(errno))};
    buffer.append(chunk, static_cast<std::size_t>(length));
  }
}

}  // namespace tlspolicyd::tool
