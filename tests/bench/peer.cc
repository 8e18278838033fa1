#include "peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/address.h"

namespace tlspolicyd::bench {

Peer::Peer(const std::string& text) {
  if (text.starts_with("inet:")) {
    const auto endpoint = base::Endpoint::parse(text.substr(5));
    if (!endpoint) throw std::runtime_error(text + ": " + endpoint.error().text);
    const base::SocketAddress address(*endpoint);
    address_ = address.storage;
    length_ = address.length;
    return;
  }
  sockaddr_un path{};
  if (!text.starts_with("unix:") || text.size() - 5 >= sizeof path.sun_path)
    throw std::runtime_error(text + ": neither inet:HOST:PORT nor unix:/PATH");
  path.sun_family = AF_UNIX;
  std::copy(text.begin() + 5, text.end(), path.sun_path);
  const auto* bytes = reinterpret_cast<const char*>(&path);
  std::copy(bytes, bytes + sizeof path, reinterpret_cast<char*>(&address_));
  length_ = sizeof path;
}

int Peer::connect() const {
  const int fd = socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int on = 1;
  if (address_.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&address_);
  if (::connect(fd, address, length_) != 0 && errno != EINPROGRESS)
    throw std::system_error(errno, std::generic_category(), "connect");
  return fd;
}

}  // namespace tlspolicyd::bench
