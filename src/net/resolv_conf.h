#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"

namespace tlspolicyd::net {

inline constexpr const char* kResolvConf = "/etc/resolv.conf";

/// The name servers of a resolv.conf(5) text, port 53, in its order, at most 8; 127.0.0.1 if it
/// names none, as resolv.conf(5) says. Addresses with a zone ("fe80::1%eth0") and lines that cannot
/// be read are passed over.
std::vector<base::Endpoint> parse_resolv_conf(std::string_view text);

/// Rereads resolv.conf(5) when the file has changed, which it looks at every 5 s. A file that is
/// absent changes nothing: it is being replaced.
class ResolvConfWatch final : public base::Operation {
 public:
  static constexpr base::milliseconds kInterval{5000};
  using Changed = std::function<void(std::vector<base::Endpoint>)>;

  /// Reads the file once; `changed` is called, any number of times, with lists that differ from the
  /// one before. It may destroy the watch. `timers` must outlive it.
  ResolvConfWatch(base::Timers& timers, std::string path, Changed changed);

  /// The present list.
  const std::vector<base::Endpoint>& servers() const { return servers_; }

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
  Stamp stamp_;
  std::vector<base::Endpoint> servers_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::net
