#pragma once

#include <cstdint>

#include "base/domain_name.h"

namespace tlspolicyd::service {

/// How the answer is to be enforced, chosen by the name of the map (decisions.md, "Who asks").
enum class Profile : std::uint8_t {
  compat,  ///< by the exact names of MX hosts: Postfix 3.4 to 3.9
  tlsrpt   ///< by the policy's patterns, with attributes for RFC 8460: Postfix 3.10 and later
};

/// What an answer depends on besides the policy domain.
struct Terms {
  std::uint16_t port = 25;  ///< of the connection that Postfix will make
  Profile profile = Profile::compat;
  bool bracketed = false;        ///< the next-hop is a host, not a domain: no MX look-up
  bool enforce_testing = false;  ///< treat `mode: testing` like `enforce` (a map's own setting)
  bool operator==(const Terms&) const = default;
};

/// "Which policy applies to mail for this next-hop?"
struct Question {
  base::DomainName domain;  ///< the policy domain (RFC 8461 3.4)
  Terms terms;
};

}  // namespace tlspolicyd::service
