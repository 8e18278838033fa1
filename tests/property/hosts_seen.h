#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gate_table.h"
#include "net/dns.h"

namespace tlspolicyd::property {

/// What an observer of the DNS knows of MX hosts. Whoever looks at a host puts the answers for its
/// addresses, its alias and its TLSA records together; from all that were delivered at about the
/// same time follows what may have been found, and how long it may be believed.
class HostsSeen {
 public:
  /// The ports that are asked for.
  static constexpr std::array<std::uint16_t, 2> kPorts{25, 587};

  /// The MX host that an A, AAAA, CNAME or TLSA question is about, "" if about none.
  static std::string host_of(const net::DnsQuestion& question);

  /// Returns what is wrong with a question, "" if nothing: D5 to D7.
  std::string asked(const net::DnsQuestion& question, base::SteadyTime now);
  void answered(const net::DnsQuestion& question, const base::Result<net::DnsAnswer>& answer,
                base::SteadyTime now);
  /// The question was given up: a host is settled without it.
  void dropped(const net::DnsQuestion& question, base::SteadyTime now);
  /// The process was killed.
  void killed();
  /// True if no question is without its answer.
  bool is_quiet() const;

  /// What a question that began then and is answered now may have been told of a host: a set of
  /// HostIs by bits. What was found before `since` does not count.
  unsigned states(const std::string& host, std::uint16_t port, base::SteadyTime began,
                  base::SteadyTime now, std::optional<base::SteadyTime> since) const;

 private:
  struct Answer {
    Says says;
    bool has_usable;
    bool own_trouble;
    std::string end;  ///< of the chain of aliases
    base::seconds ttl;
    base::SteadyTime at;
    unsigned number;  ///< in the order of all
  };
  using Answers = std::vector<Answer>;
  struct Found {
    HostIs state;
    std::uint16_t port;
    base::SteadyTime at;
    base::SteadyTime until;
  };
  struct Host {
    std::string name;
    Answers a, aaaa, cname;
    std::map<std::pair<std::string, std::uint16_t>, Answers> tlsa;  ///< by base and port
    std::vector<Found> found;
    int under_way = 0;
    base::SteadyTime busy_since{};  ///< while one is under way
    base::SteadyTime idle_since{};
  };
  class Reading;

  static void forget_before(Host& host, base::SteadyTime when);

  std::map<std::string, Host> hosts_;
  unsigned answers_ = 0;
};

}  // namespace tlspolicyd::property
