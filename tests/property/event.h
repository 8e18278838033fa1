#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "policy_text.h"

namespace tlspolicyd::property {

/// One thing that happens, with all that was drawn for it: a sequence stays meaningful when some of
/// its events are left out.
struct Event {
  enum class Kind {
    ask,      ///< asks under spelling `what` of the domain, in map `number`; waits if `waits`
    bogus,    ///< asks for a key that has no policy domain
    storm,    ///< asks `number` times at once
    hang_up,  ///< the oldest question's connection is closed
    pass,     ///< time passes
    stop,     ///< time passes while the process is stopped, then a minute more
    jump,     ///< the wall clock is set
    txt,      ///< the TXT record becomes `what`, with id `number`
    https,    ///< the policy host becomes `what`, with policy `number`
    mx,       ///< the MX set becomes `what`, signed if `secure`
    hosts,    ///< the addresses of MX host `number` of the domain become `what`
    tlsa,     ///< its TLSA records become `what`, for `port`, at the end of its alias if `at_alias`
    resolver,  ///< what it says of DNSSEC becomes `what`
    disk,      ///< the disk becomes `what`
    kill       ///< kill -9 and a new start
  };
  enum Txt { id, absent, denied, servfail, timeout, unreachable, silent, several, invalid };
  enum Https { policy, status, fault, own_fault, mute, wrong_type, garbage };
  enum Mx { names, implicit, null, mx_servfail, mx_silent };
  enum Hosts {
    a_signed,
    a_unsigned,
    a_signed_half,  ///< the other family fails
    a_unsigned_half,
    a_absent,
    a_failed,
    a_silent,
    a_unreachable,
    alias_signed,  ///< to its end
    alias_to_unsigned,
    alias_unsigned
  };
  enum Tlsa {
    tlsa_usable,
    tlsa_usable_too,  ///< beside one that is not
    tlsa_unusable,
    tlsa_absent,
    tlsa_absent_unsigned,
    tlsa_unsigned,
    tlsa_failed,
    tlsa_silent,
    tlsa_unreachable
  };
  enum Resolver { validates, does_not, not_told };
  enum Disk { works, slow, full, dead };

  Kind kind = Kind::pass;
  std::size_t domain = 0;
  int what = 0;
  int number = 0;
  base::milliseconds time{0};  ///< that passes, or that the answer takes
  base::seconds seconds{0};    ///< TTL, or by how much the clock is set
  bool waits = false;
  bool secure = false;
  int port = 0;  ///< 0: all
  bool at_alias = false;

  /// As people read it.
  std::string text() const;
};

/// Policy domains that may take part; the last is asked for under its U-label too.
inline const std::vector<std::string> kDomains{"alpha.test", "sub.alpha.test", "beta.test",
                                               "mail.gamma.test", "xn--bcher-kva.test"};
/// Names of maps, by Event::number of an `ask`. The last has `testing: enforce`.
inline const std::vector<std::string> kMaps{"postfix", "postfix-tlsrpt", "QUERY", "QUERYwithTLSRPT",
                                            "strict"};

/// The ways in which Postfix may spell a next-hop; those from kFirstBracketed on are hosts.
const std::vector<std::string>& spellings(std::size_t domain);
inline constexpr std::size_t kFirstBracketed = 5;
/// The port of such a spelling.
std::uint16_t port_of(std::size_t spelling);
/// Keys without policy domain (decisions.md 10).
const std::vector<std::string>& bogus_keys();
/// The policies that a domain may publish.
const std::vector<PolicyText>& policies_of(std::size_t domain);
/// The MX sets that a domain may have.
const std::vector<std::vector<std::string>>& mx_sets_of(std::size_t domain);

/// The hosts in them.
const std::vector<std::string>& hosts_of(std::size_t domain);
bool is_host(std::string_view name);
/// Before the name of a host: where its alias leads to, if it is one.
inline constexpr std::string_view kAliasPrefix = "to.";

/// Draws a sequence of events for the first few of kDomains.
std::vector<Event> draw(std::uint64_t seed, std::size_t length);

}  // namespace tlspolicyd::property
