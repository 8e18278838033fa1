#include "net/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "base/environment.h"
#include "base/number.h"

namespace tlspolicyd::net {
namespace {

constexpr base::milliseconds kNextTry{50};

/// The name as in sun_path: a path with its final NUL, or an abstract name after a NUL.
base::Result<std::string> parse_notify_socket(std::string name) {
  const auto refused = base::bad_environment(
      "NOTIFY_SOCKET", "a path or @NAME of at most 107 bytes is expected", name);
  if (name.size() < 2 || name.size() >= sizeof(sockaddr_un::sun_path)) return refused;
  if (name.front() == '@') {
    name.front() = '\0';
    return name;
  }
  if (name.front() != '/') return refused;
  name.push_back('\0');
  return name;
}

}  // namespace

NotifyVariables take_notify_variables() {
  return {.socket = base::take_environment("NOTIFY_SOCKET"),
          .watchdog_usec = base::take_environment("WATCHDOG_USEC"),
          .watchdog_pid = base::take_environment("WATCHDOG_PID")};
}

base::Result<base::milliseconds> parse_watchdog(const NotifyVariables& variables, pid_t self) {
  constexpr std::uint64_t kMaxPid = std::numeric_limits<pid_t>::max();
  constexpr std::uint64_t kMaxTime = std::numeric_limits<std::int64_t>::max();
  if (!variables.watchdog_usec) return base::milliseconds(0);
  if (variables.watchdog_pid) {
    const auto pid = base::parse_number(*variables.watchdog_pid, 1, kMaxPid);
    if (!pid)
      return base::bad_environment("WATCHDOG_PID", pid.error().text, *variables.watchdog_pid);
    if (std::cmp_not_equal(*pid, self)) return base::milliseconds(0);
  }
  const auto time = base::parse_number(*variables.watchdog_usec, 1, kMaxTime);
  if (!time)
    return base::bad_environment("WATCHDOG_USEC", time.error().text, *variables.watchdog_usec);
  const auto half = std::chrono::floor<base::milliseconds>(
      std::chrono::microseconds(static_cast<std::int64_t>(*time / 2)));
  return std::max(half, base::milliseconds(1));
}

ServiceManager::ServiceManager(base::Timers& timers, const base::Log& log,
                               const NotifyVariables& variables)
    : timers_(timers), log_(log) {
  if (!variables.socket || variables.socket->empty()) return;
  const auto name = parse_notify_socket(*variables.socket);
  if (!name) {
    log_.warning("the service manager is told nothing", {{"trouble", name.error().text}});
    return;
  }
  const auto interval = parse_watchdog(variables, ::getpid());
  if (interval) {
    interval_ = *interval;
  } else {
    log_.warning("no watchdog", {{"trouble", interval.error().text}});
  }
  name_ = *name;
  socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void ServiceManager::ready(std::string_view status) {
  tell(fmt::format("READY=1\nSTATUS={}\n", base::printable(status)));
  if (interval_.count() > 0) live();
}

void ServiceManager::reloading() {
  // systemd tells by this time, of CLOCK_MONOTONIC, which reload it hears of: not the loop's clock,
  // which stands still within a turn.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n",
                   std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void ServiceManager::stopping(std::string_view status) {
  tell(fmt::format("STOPPING=1\nSTATUS={}\n", base::printable(status)));
}

void ServiceManager::live() {
  // What waits to be told is a sign of life, too, once it arrives.
  if (untold_.empty()) tell("WATCHDOG=1\n");
  next_sign_ = timers_.after(interval_, [this] { live(); });
}

void ServiceManager::tell(std::string_view assignments) {
  if (name_.empty()) return;
  untold_ += assignments;
  send();
}

void ServiceManager::send() {
  next_try_.reset();
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, name_.data(), name_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
  const bool sent = ::sendto(socket_.get(), untold_.data(), untold_.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&where), length) >= 0;
  if (!sent && (errno == EAGAIN || errno == ENOBUFS)) {
    next_try_ = timers_.after(kNextTry, [this] { send(); });
    return;
  }
  if (!sent && !failing_)
    log_.warning("the service manager cannot be told", {{"trouble", std::strerror(errno)}});
  failing_ = !sent;
  untold_.clear();
}

}  // namespace tlspolicyd::net
