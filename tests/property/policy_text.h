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

/// True if the policy allows one of `hosts`.
bool allows_one(const PolicyText& policy, const std::vector<std::string>& hosts);

/// What Postfix must be told of a bracketed next-hop where it is told names (the compat profile).
postfix::TlsPolicy by_only_name(const PolicyText& policy, const std::string& host);

/// True if `told` is what Postfix must be told of any other: those of `hosts`, the MX hosts in
/// their order, that the policy allows; if there are such, then the other names that it writes out,
/// and then some of `of_last_day` that it allows.
bool is_by_names(const postfix::TlsPolicy& told, const PolicyText& policy,
                 const std::vector<std::string>& hosts,
                 const std::vector<std::string>& of_last_day);

/// What Postfix must be told where it is told patterns (the tlsrpt profile).
postfix::TlsPolicy by_patterns(const PolicyText& policy, const std::string& domain);

}  // namespace tlspolicyd::property
