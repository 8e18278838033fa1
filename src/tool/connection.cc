#include "tool/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tlspolicyd::tool {
namespace {

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

base::Result<net::FileDescriptor> connect(const net::ListenAddress& server,
                                          base::seconds patience) {
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  net::FileDescriptor socket(::socket(family_of(server), SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (!socket || connect_to(socket.get(), server) != 0)
    return base::Error{base::Fault::connect,
                       fmt::format("{}: {}", text_of(server), std::strerror(errno))};
  return socket;
}

}  // namespace tlspolicyd::tool
