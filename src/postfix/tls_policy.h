#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tlspolicyd::postfix {

/// A TLS policy as smtp(8) understands the right-hand side of smtp_tls_policy_maps.
struct TlsPolicy {
  std::string
      level;  ///< lower case: none, may, encrypt, fingerprint, dane, dane-only, verify, secure
  std::vector<std::string> match;  ///< the elements of all match= attributes
  std::string servername;
  std::string ciphers;
  std::string protocols;
  std::string exclude;
  std::vector<std::string> tafile;
  std::string connection_reuse;
  std::string enable_rpk;
  std::string policy_type;
  std::string policy_domain;
  std::string policy_ttl;
  std::string policy_failure;
  std::vector<std::string> policy_string;
  std::vector<std::string> mx_host_pattern;
  bool operator==(const TlsPolicy&) const = default;
};

/// Reads a TLS policy as Postfix 3.10 does (smtp_tls_policy_maps in postconf(5), TLS_README): what
/// Postfix refuses, and would defer mail for, is an Error (Fault::invalid) that says why.
base::Result<TlsPolicy> parse_tls_policy(std::string_view text);

}  // namespace tlspolicyd::postfix
