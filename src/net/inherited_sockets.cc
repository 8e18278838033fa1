#include "net/inherited_sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/ascii.h"
#include "base/environment.h"
#include "base/log.h"
#include "base/number.h"

namespace tlspolicyd::net {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kMostSockets = 64;
constexpr std::size_t kMaxName = 255;  // as systemd.socket(5) has it

base::Result<std::vector<std::string>> split_names(const std::string& text, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(':', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const auto is_plain = [](const std::string& name) {
    return name.size() <= kMaxName && base::is_printable(name);
  };
  if (names.size() != count || !std::all_of(names.begin(), names.end(), is_plain))
    return base::bad_environment(
        "LISTEN_FDNAMES", fmt::format("one name for each of LISTEN_FDS={} is expected", count),
        text);
  return names;
}

int option(int socket, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(socket, level, name, &value, &length) == 0 ? value : -1;
}

/// Nothing for a family that the daemon does not serve.
std::optional<ListenAddress> address_of(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0)
    return std::nullopt;
  if (storage.ss_family == AF_INET || storage.ss_family == AF_INET6)
    return base::Endpoint::of(storage);
  if (storage.ss_family != AF_UNIX) return std::nullopt;
  const auto size = length - std::min<std::size_t>(length, offsetof(sockaddr_un, sun_path));
  std::string path(reinterpret_cast<const char*>(&storage) + offsetof(sockaddr_un, sun_path), size);
  if (path.starts_with('\0')) {
    path.front() = '@';
  } else {
    path.resize(std::min(path.find('\0'), path.size()));
  }
  return UnixAddress{.path = path, .mode = 0660, .group = {}};
}

}  // namespace

base::Result<std::vector<std::string>> parse_listen_variables(const ListenVariables& variables,
                                                              pid_t self) {
  constexpr std::uint64_t kMaxPid = std::numeric_limits<pid_t>::max();
  if (!variables.pid || !variables.count) return std::vector<std::string>{};
  const auto pid = base::parse_number(*variables.pid, 1, kMaxPid);
  if (!pid) return base::bad_environment("LISTEN_PID", pid.error().text, *variables.pid);
  if (std::cmp_not_equal(*pid, self)) return std::vector<std::string>{};
  const auto count = base::parse_number(*variables.count, 0, kMostSockets);
  if (!count) return base::bad_environment("LISTEN_FDS", count.error().text, *variables.count);
  if (*count == 0 || !variables.names) return std::vector<std::string>(*count);
  return split_names(*variables.names, *count);
}

bool InheritedSocket::covers(const ListenAddress& wanted) const {
  if (address.index() != wanted.index()) return false;
  // Whatever mode and group are asked for: they are the manager's business here.
  if (const auto* at = std::get_if<UnixAddress>(&address))
    return at->path == std::get<UnixAddress>(wanted).path;
  const auto& mine = std::get<base::Endpoint>(address);
  const auto& other = std::get<base::Endpoint>(wanted);
  if (mine.port != other.port) return false;
  if (mine.address == other.address) return true;
  return mine.address.is_any() &&
         (also_takes_v4 || mine.address.family() == other.address.family());
}

InheritedSocket take_over(FileDescriptor descriptor, std::string name) {
  const int fd = descriptor.get();
  const auto fail = [&](std::string_view why) {
    throw std::runtime_error(fmt::format("inherited descriptor {}{}: {}", fd,
                                         name.empty() ? "" : " (" + name + ")", why));
  };
  const int type = option(fd, SOL_SOCKET, SO_TYPE);
  if (type < 0)
    fail(errno == ENOTSOCK ? "a listening socket is expected, this is none" : std::strerror(errno));
  if (type != SOCK_STREAM)
    fail("a stream socket is expected, this is another kind (ListenStream= in a socket unit)");
  if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
    fail("it does not listen (Accept=no in a socket unit)");
  const auto address = address_of(fd);
  if (!address) fail("a socket of IPv4, IPv6 or unix is expected");
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    fail(std::strerror(errno));
  const auto* inet = std::get_if<base::Endpoint>(&*address);
  const bool also_takes_v4 = inet != nullptr &&
                             inet->address.family() == base::Address::Family::v6 &&
                             inet->address.is_any() && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  return {std::move(name), std::move(descriptor), *address, also_takes_v4};
}

std::vector<InheritedSocket> take_inherited_sockets() {
  const ListenVariables variables{.pid = base::take_environment("LISTEN_PID"),
                                  .count = base::take_environment("LISTEN_FDS"),
                                  .names = base::take_environment("LISTEN_FDNAMES")};
  auto names = parse_listen_variables(variables, ::getpid());
  if (!names) throw std::runtime_error(names.error().text);
  std::vector<InheritedSocket> sockets;
  for (auto& name : *names) {
    FileDescriptor descriptor(kFirst + static_cast<int>(sockets.size()));
    sockets.push_back(take_over(std::move(descriptor), std::move(name)));
  }
  return sockets;
}

}  // namespace tlspolicyd::net
