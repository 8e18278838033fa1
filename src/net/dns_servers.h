#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/clock.h"

namespace tlspolicyd::net {

/// A list of name servers that may stand in for each other, and which of them to begin with: the
/// one that answered last. The first of the list is tried again once in a while, at the cost of one
/// time-out if it is still dead.
class DnsServers {
 public:
  /// `only_trusted`: there are others, which are left out since they are not trusted.
  DnsServers(std::vector<base::Endpoint> list, bool only_trusted, base::SteadyTime now)
      : list_(std::move(list)), only_trusted_(only_trusted), last_probe_(now) {}

  const std::vector<base::Endpoint>& list() const { return list_; }
  bool only_trusted() const { return only_trusted_; }
  /// What they are, for people.
  std::string_view what() const { return only_trusted_ ? "trusted name server" : "name server"; }

  /// The index of the server to begin with, `probe_interval` after which the first is tried again.
  /// REQUIRES: the list is not empty.
  std::size_t first(base::SteadyTime now, base::milliseconds probe_interval) {
    if (preferred_ == 0) return 0;
    if (now - last_probe_ < probe_interval) return preferred_;
    last_probe_ = now;
    return 0;
  }

  void answered_well(std::size_t server, base::SteadyTime now) {
    if (server == preferred_) return;
    if (preferred_ == 0) last_probe_ = now;
    preferred_ = server;
  }

  /// One of them has replied, whatever it said.
  void heard(base::SteadyTime now) { last_heard_ = now; }
  base::SteadyTime last_heard() const { return last_heard_; }

 private:
  const std::vector<base::Endpoint> list_;
  bool only_trusted_;
  std::size_t preferred_ = 0;
  base::SteadyTime last_probe_;
  base::SteadyTime last_heard_{};
};

}  // namespace tlspolicyd::net
