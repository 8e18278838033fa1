#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "postfix/tls_policy.h"
#include "sts/policy.h"

/// What RFC 8461 and decisions.md make of a policy, written anew for the tests: the oracle must not
/// ask the code that it judges.
namespace tlspolicyd::property {

/// A policy as a domain publishes it.
struct PolicyText {
  sts::Mode mode = sts::Mode::enforce;
  base::seconds max_age{0};
  std::vector<std::string> mx;

  /// The lines of the file, in its order.
  std::vector<std::string> lines() const;
  std::string body() const;
  bool operator==(const PolicyText&) const = default;
};

/// What Postfix must be told where it is told names (the compat profile): those of `hosts`, the MX
/// hosts in their order, that the policy allows.
postfix::TlsPolicy by_names(const PolicyText& policy, const std::vector<std::string>& hosts);

/// The same where it is told patterns (the tlsrpt profile).
postfix::TlsPolicy by_patterns(const PolicyText& policy, const std::string& domain);

}  // namespace tlspolicyd::property
