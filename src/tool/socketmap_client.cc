#include "tool/socketmap_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "postfix/netstring.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;

// Postfix's own limits for a reply and for each step.
constexpr std::size_t kMaxReply = 100'000;
constexpr timeval kPatience{.tv_sec = 100, .tv_usec = 0};

int connect_to(int socket, const net::ListenAddress& server) {
  if (const auto* endpoint = std::get_if<base::Endpoint>(&server)) {
    const base::SocketAddress where(*endpoint);
    return ::connect(socket, where.get(), where.length);
  }
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  const auto& path = std::get<net::UnixAddress>(server).path;
  std::memcpy(where.sun_path, path.data(), std::min(path.size(), sizeof where.sun_path - 1));
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&where), sizeof where);
}

int family_of(const net::ListenAddress& server) {
  const auto* endpoint = std::get_if<base::Endpoint>(&server);
  if (!endpoint) return AF_UNIX;
  return endpoint->address.family() == base::Address::Family::v4 ? AF_INET : AF_INET6;
}

}  // namespace

base::Result<SocketmapClient> SocketmapClient::connect(const net::ListenAddress& server) {
  const auto name = text_of(server);
  net::FileDescriptor socket(::socket(family_of(server), SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (!socket || connect_to(socket.get(), server) != 0)
    return Error{Fault::connect, fmt::format("{}: {}", name, std::strerror(errno))};
  return SocketmapClient(std::move(socket), name);
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
