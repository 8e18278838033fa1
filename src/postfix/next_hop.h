#pragma once

#include <cstdint>
#include <string_view>

#include "base/domain_name.h"
#include "base/result.h"

namespace tlspolicyd::postfix {

/// Where Postfix means to deliver: a next-hop destination as transport(5) writes it.
struct NextHop {
  /// The policy domain: the recipient's domain or the smart host (RFC 8461 3.4).
  base::DomainName domain;
  std::uint16_t port = 25;
  /// True for "[host]": Postfix looks up no MX records, the host is its own only MX.
  bool bracketed = false;

  bool operator==(const NextHop&) const = default;
};

/// Reads a look-up key of smtp_tls_policy_maps: "example.com", "[relay.example]",
/// "[relay.example]:587", "relay.example:submission". A port is a number or one of the service
/// names smtp, submission, submissions, lmtp and their aliases; nothing after the colon means 25,
/// as it does to Postfix, and so does the name of any other service.
///
/// Error: Fault::invalid for what has no policy domain (see sts::policy_domain), a host part over
/// 253 octets, a port that is none; printable, quotes nothing of the key.
base::Result<NextHop> parse_next_hop(std::string_view key);

}  // namespace tlspolicyd::postfix
