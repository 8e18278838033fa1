#include "net/socket_holder.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "base/number.h"
#include "net/file_descriptor.h"

namespace tlspolicyd::net {
namespace {

namespace fs = std::filesystem;

std::string text_in(const std::string& file) {
  std::ostringstream text;
  if (std::ifstream stream(file); stream) text << stream.rdbuf();
  return text.str();
}

std::optional<pid_t> holder_of_path(const std::string& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), std::min(path.size(), sizeof where.sun_path - 1));
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    return std::nullopt;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
    return std::nullopt;
  return peer.pid;
}

/// Whether the process has this among its open files.
bool has_open(const fs::path& process, const std::string& what) {
  std::error_code error;
  for (auto file = fs::directory_iterator(process / "fd", error);
       !error && file != fs::directory_iterator(); file.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(file->path(), gone) == what) return true;
  }
  return false;
}

std::optional<pid_t> holder_of_port(std::uint16_t port) {
  std::optional<std::string> inode;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (!inode) inode = listening_inode(text_in(table), port);
  if (!inode) return std::nullopt;
  std::error_code error;
  for (auto entry = fs::directory_iterator("/proc", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto pid = base::parse_number(entry->path().filename().string(), 1, INT32_MAX);
    if (pid && has_open(entry->path(), "socket:[" + *inode + "]")) return static_cast<pid_t>(*pid);
  }
  return std::nullopt;
}

}  // namespace

std::optional<pid_t> holder_of(const ListenAddress& address) {
  if (const auto* socket = std::get_if<UnixAddress>(&address)) return holder_of_path(socket->path);
  return holder_of_port(std::get<base::Endpoint>(address).port);
}

std::optional<std::string> listening_inode(std::string_view table, std::uint16_t port) {
  const auto wanted = fmt::format(":{:04X}", port);
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    // proc(5): slot, local and remote address, state, queues, timers, retransmissions, user,
    // timeout, inode.
    std::string slot, local, remote, state, queues, timers, retransmissions, user, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timers >> retransmissions >> user >>
        timeout >> inode;
    if (fields && state == "0A" && local.ends_with(wanted)) return inode;
  }
  return std::nullopt;
}

std::string process_text(pid_t pid) {
  auto program = text_in(fmt::format("/proc/{}/comm", pid));
  program = program.substr(0, program.find('\n'));
  return program.empty() ? fmt::format("process {}", pid)
                         : fmt::format("process {} ({})", pid, base::printable(program));
}

}  // namespace tlspolicyd::net
