#include "net/resolv_conf.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "net/file_descriptor.h"

namespace tlspolicyd::net {
namespace {

constexpr std::size_t kMaxShown = 64;
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

// The file may be another's, a DHCP server's for instance.
std::string shown(std::string_view text) {
  std::string made(text.substr(0, kMaxShown));
  std::replace_if(
      made.begin(), made.end(), [](char c) { return !base::is_vchar(c); }, '?');
  return made;
}

// Of one nameserver line, what follows the keyword.
void read_server(std::size_t line, std::string_view text, ResolvConf& read) {
  const auto complain = [&](std::string reason) {
    if (read.problems.size() < ResolvConf::kMaxProblems)
      read.problems.push_back({line, shown(text), std::move(reason)});
  };
  // No port here, and no brackets; those are for Endpoint.
  const bool bare = text.find('[') == text.npos && std::count(text.begin(), text.end(), ':') != 1;
  const auto server = bare ? base::Endpoint::parse(text, kDnsPort)
                           : base::Error{base::Fault::invalid, "not an IP address"};
  if (!server) return complain(server.error().text);
  if (read.servers.size() >= ResolvConf::kMaxServers)
    return complain("more than " + std::to_string(ResolvConf::kMaxServers) + " name servers");
  if (auto problem = problem_of_server(*server); !problem.empty()) complain(std::move(problem));
  if (!server->address.is_link_local() || !server->zone.empty()) read.servers.push_back(*server);
}

}  // namespace

std::string problem_of_server(const base::Endpoint& server) {
  if (!server.address.is_link_local() || server.scope() != 0) return {};
  if (server.zone.empty())
    return "a link-local address needs an interface, as in " + server.address.text() + "%eth0";
  return "there is no interface " + server.zone;
}

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf read;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // The keyword stands at the beginning of the line; comments do too.
    if (line.empty() || base::is_wsp(line.front()) || take_word(line) != "nameserver") continue;
    read_server(number, take_word(line), read);
  }
  if (read.servers.empty()) {
    constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};
    read.servers.push_back({base::Address::v4(kLoopback), kDnsPort});
  }
  return read;
}

ResolvConfWatch::ResolvConfWatch(base::Timers& timers, std::string path, Changed changed,
                                 OnProblem on_problem)
    : timers_(timers),
      path_(std::move(path)),
      changed_(std::move(changed)),
      on_problem_(std::move(on_problem)),
      present_(parse_resolv_conf({})) {
  reread();
  wait();
}

void ResolvConfWatch::wait() {
  timer_ = timers_.after(kInterval, [this] { look(); });
}

void ResolvConfWatch::look() {
  wait();
  const auto before = present_.servers;
  if (!reread() || servers() == before) return;
  // Copies, since the call may destroy this.
  const auto changed = changed_;
  changed(std::vector(servers()));
}

bool ResolvConfWatch::reread() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return false;
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                    status.st_mtim.tv_nsec};
  if (stamp == stamp_) return false;
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return false;
  present_ = parse_resolv_conf(read_all(file.get()));
  stamp_ = stamp;
  for (const auto& problem : present_.problems) on_problem_(problem);
  return true;
}

}  // namespace tlspolicyd::net
