#include "net/resolv_conf.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/ascii.h"
#include "net/file_descriptor.h"

namespace tlspolicyd::net {
namespace {

constexpr std::size_t kMaxServers = 8;
constexpr std::size_t kMaxFileSize = 64 * 1024;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::string_view kBlanks = " \t\r";

// Takes the first word off `line`.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const auto word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kMaxFileSize) {
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::vector<base::Endpoint> parse_resolv_conf(std::string_view text) {
  std::vector<base::Endpoint> servers;
  while (!text.empty() && servers.size() < kMaxServers) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // The keyword stands at the beginning of the line; comments do too.
    if (line.empty() || base::is_wsp(line.front()) || take_word(line) != "nameserver") continue;
    if (auto address = base::Address::parse(take_word(line)))
      servers.push_back({*address, kDnsPort});
  }
  if (servers.empty()) {
    constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};
    servers.push_back({base::Address::v4(kLoopback), kDnsPort});
  }
  return servers;
}

ResolvConfWatch::ResolvConfWatch(base::Timers& timers, std::string path, Changed changed)
    : timers_(timers),
      path_(std::move(path)),
      changed_(std::move(changed)),
      servers_(parse_resolv_conf({})) {
  reread();
  wait();
}

void ResolvConfWatch::wait() {
  timer_ = timers_.after(kInterval, [this] { look(); });
}

void ResolvConfWatch::look() {
  wait();
  const auto before = servers_;
  if (!reread() || servers_ == before) return;
  // Copies, since the call may destroy this.
  const auto changed = changed_;
  changed(std::vector(servers_));
}

bool ResolvConfWatch::reread() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return false;
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                    status.st_mtim.tv_nsec};
  if (stamp == stamp_) return false;
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return false;
  servers_ = parse_resolv_conf(read_all(file.get()));
  stamp_ = stamp;
  return true;
}

}  // namespace tlspolicyd::net
