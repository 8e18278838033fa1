#include "net/listener.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tlspolicyd::net {
namespace {

constexpr base::milliseconds kRest{100};
// One turn takes this many clients at most, so that a flood of them is no silence for the others.
constexpr int kAcceptsPerTurn = 64;

[[noreturn]] void fail(const ListenAddress& address, std::string_view what) {
  const int error = errno;
  throw std::runtime_error(
      fmt::format("cannot listen on {}: {}: {}", text_of(address), what, std::strerror(error)));
}

FileDescriptor make_socket(int family, const ListenAddress& address) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) fail(address, "socket");
  return socket;
}

FileDescriptor bind_inet(const base::Endpoint& endpoint, const ListenAddress& address) {
  const base::SocketAddress where(endpoint);
  auto socket = make_socket(where.storage.ss_family, address);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.storage.ss_family == AF_INET6)
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), where.get(), where.length) != 0) fail(address, "bind");
  return socket;
}

/// Removes a unix socket that no process listens on, left behind by one that was killed. Only a
/// refused connection shows that; anything else, such as a missing permission or file descriptor,
/// may be a socket in use.
void remove_stale(const sockaddr_un& where, const ListenAddress& address) {
  struct stat status {};
  if (::lstat(where.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const auto probe = make_socket(AF_UNIX, address);
  const int connected =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where);
  if (connected == 0 || errno == EAGAIN) {
    errno = EADDRINUSE;
    fail(address, "another server listens there");
  }
  if (errno == ENOENT) return;
  if (errno != ECONNREFUSED) fail(address, "cannot find out whether the socket there is in use");
  if (::unlink(where.sun_path) != 0 && errno != ENOENT) fail(address, "unlink");
}

FileDescriptor bind_unix(const UnixAddress& to, const ListenAddress& address) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, to.path.data(), to.path.size());
  remove_stale(where, address);
  auto socket = make_socket(AF_UNIX, address);
  // The socket is never wider open than asked for, not even between bind and chmod: on Linux bind()
  // gives the path the mode of the socket. The umask would be that of all threads.
  if (::fchmod(socket.get(), 0) != 0) fail(address, "fchmod");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    fail(address, "bind");
  if (!to.group.empty()) {
    const group* entry = ::getgrnam(to.group.c_str());
    if (entry == nullptr) {
      errno = ENOENT;
      fail(address, "no such group: " + to.group);
    }
    if (::lchown(to.path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0)
      fail(address, "chown");
  }
  if (::chmod(to.path.c_str(), to.mode) != 0) fail(address, "chmod");
  return socket;
}

}  // namespace

Listener::Listener(Loop& loop, const ListenAddress& address, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)) {
  if (const auto* unix_address = std::get_if<UnixAddress>(&address)) {
    socket_ = bind_unix(*unix_address, address);
    unix_path_ = unix_address->path;
  } else {
    socket_ = bind_inet(std::get<base::Endpoint>(address), address);
  }
  if (::listen(socket_.get(), SOMAXCONN) != 0) fail(address, "listen");
  begin();
}

Listener::Listener(Loop& loop, FileDescriptor inherited, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)), socket_(std::move(inherited)) {
  begin();
}

void Listener::begin() {
  readable_.reset(
      event_new(loop_.base(), socket_.get(), EV_READ | EV_PERSIST, &Listener::on_readable, this));
  event_add(readable_.get(), nullptr);
}

Listener::~Listener() {
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

void Listener::on_readable(int, short, void* self) { static_cast<Listener*>(self)->accept_all(); }

void Listener::accept_all() {
  for (int n = 0; n < kAcceptsPerTurn; ++n) {
    FileDescriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      callbacks_.accepted(std::move(client));
      continue;
    }
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
    // accept() looks for a file descriptor before it looks for a client.
    pollfd status{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&status, 1, 0) == 0) return;
    if (callbacks_.out_of_room()) continue;
    event_del(readable_.get());
    rest_ = loop_.after(kRest, [this] { event_add(readable_.get(), nullptr); });
    return;
  }
}

}  // namespace tlspolicyd::net
