#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"

namespace tlspolicyd::net {

inline constexpr const char* kResolvConf = "/etc/resolv.conf";

/// A resolv.conf(5) text as this program uses it.
struct ResolvConf {
  /// A nameserver line that cannot be used, or not now.
  struct Problem {
    std::size_t line = 0;  ///< counted from 1
    std::string server;    ///< what the line names; printable, at most 64 characters
    std::string reason;    ///< for people, e.g. "there is no interface eth0"
    bool operator==(const Problem&) const = default;
  };

  static constexpr std::size_t kMaxServers = 8;
  static constexpr std::size_t kMaxProblems = 8;

  /// Port 53, in the order of the text, at most kMaxServers; 127.0.0.1 if it names none, as
  /// resolv.conf(5) says. A server whose interface does not exist is among them: it may come.
  std::vector<base::Endpoint> servers;
  /// The first kMaxProblems, in the order of the text.
  std::vector<Problem> problems;
};

ResolvConf parse_resolv_conf(std::string_view text);

/// Why nobody can be asked at this address as the machine is now, for people; "" if it may be
/// possible. A link-local address needs an interface, and the interface must exist.
std::string problem_of_server(const base::Endpoint& server);

/// Rereads resolv.conf(5) when the file has changed, which it looks at every 5 s. A file that is
/// absent changes nothing: it is being replaced.
class ResolvConfWatch final : public base::Operation {
 public:
  static constexpr base::milliseconds kInterval{5000};
  using Changed = std::function<void(std::vector<base::Endpoint>)>;
  using OnProblem = std::function<void(const ResolvConf::Problem&)>;

  /// Reads the file once; `changed` is called, any number of times, with lists that differ from the
  /// one before. It may destroy the watch. `on_problem` is called for each problem whenever the
  /// file was read, from the constructor, too, and before `changed`. `timers` must outlive it.
  ResolvConfWatch(
      base::Timers& timers, std::string path, Changed changed,
      OnProblem on_problem = [](const auto&) {});

  /// The present list.
  const std::vector<base::Endpoint>& servers() const { return present_.servers; }
  const std::vector<ResolvConf::Problem>& problems() const { return present_.problems; }

 private:
  struct Stamp {
    dev_t device{};
    ino_t inode{};
    off_t size{};
    time_t seconds{};
    long nanoseconds{};
    bool operator==(const Stamp&) const = default;
  };

  void wait();
  void look();
  /// True if the file is there and not the one that was read last.
  bool reread();

  base::Timers& timers_;
  const std::string path_;
  Changed changed_;
  OnProblem on_problem_;
  Stamp stamp_;
  ResolvConf present_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::net
