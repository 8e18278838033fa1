#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/domain_name.h"
#include "base/result.h"
#include "net/dns.h"
#include "sts/policy.h"

namespace tlspolicyd::service {

/// The MX hosts of a domain, as RFC 5321 section 5.1 finds them.
struct MxHosts {
  /// No set is held longer than this, whatever its TTL (decisions.md 27).
  static constexpr base::seconds kMaxAge{60};
  /// A larger set is used by those only who wait for it; of what is kept of it these come first.
  static constexpr std::size_t kMaxKeptNames = 64;
  /// How long, and how many, names are kept that have left the set; as many as an answer may have.
  static constexpr base::seconds kEarlierAge{86'400};
  static constexpr std::size_t kMaxEarlier = 64;

  struct Earlier {
    std::string name;
    base::SteadyTime seen;  ///< last, in an answer of the DNS
  };

  std::vector<std::string> names;  ///< by preference; lower case, no final dot, each once
  /// Names that an earlier set had and this one has not, and that the policy of then allowed; the
  /// last seen first. See note_earlier().
  std::vector<Earlier> earlier{};
  bool authenticated = false;  ///< the RRset, or its denial, was validated by DNSSEC
  base::SteadyTime asked{};    ///< when the DNS was asked
  base::SteadyTime seen{};     ///< when it answered
  /// Until both times it answers further questions: a second less than its TTL, at most kMaxAge.
  /// The wall clock counts the time that a machine sleeps, the other one cannot be set back.
  base::SteadyTime until{};
  base::WallTime until_wall = base::WallTime::max();

  bool is_fresh(const base::Clock& clock) const {
    return clock.steady() < until && clock.wall() < until_wall;
  }
  /// False once not even its names count as seen within the last day.
  bool is_useful(base::SteadyTime now) const { return now < seen + kEarlierAge; }
};

using MxResult = base::Result<std::shared_ptr<const MxHosts>>;

/// Reads the answer to an MX question that came `now`; `asked` and `until_wall` are left to the
/// caller. A domain without MX records is its own MX host (implicit MX); a null MX (RFC 7505) and
/// targets that are no host names give no name.
MxHosts mx_hosts_of(const base::DomainName& domain, const net::DnsAnswer& answer,
                    base::SteadyTime now);

/// The same set, which answers no further question: only its names of the last day still count.
std::shared_ptr<const MxHosts> outdated(const MxHosts& hosts);

/// Notes in `hosts` the names of the last day that the set `before` it knows of and `policy`
/// allows (decisions.md 27: a name server set may rotate its names, and Postfix may see another
/// one).
void note_earlier(MxHosts& hosts, const MxHosts& before, const sts::Policy& policy);

}  // namespace tlspolicyd::service
