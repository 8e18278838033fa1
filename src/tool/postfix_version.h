#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::tool {

/// A release of Postfix. A snapshot of the time before a release (3.12-20260821) has patch -1: what
/// its release can do it may not yet be able to.
struct PostfixVersion {
  int major = 0;
  int minor = 0;
  int patch = -1;
  /// "3.7.11", "3.12 (snapshot)".
  std::string text() const;
  auto operator<=>(const PostfixVersion&) const = default;
};

/// Reads a mail_version: "3.7.11", "3.10.13-0+deb13u1", "3.12-20260821". Error: Fault::invalid.
base::Result<PostfixVersion> parse_postfix_version(std::string_view text);

/// The first that takes `servername=` in a policy, without which an MX host is not told which
/// certificate is wanted (RFC 8461 7.1; postfix.md 2).
inline constexpr PostfixVersion kFirstUsable{3, 4, 0};
/// The first that takes the attributes for TLS reports.
inline constexpr PostfixVersion kFirstWithReports{3, 10, 0};
/// The first that compares the names of MX hosts with the policy
/// (smtp_tls_enforce_sts_mx_patterns).
inline constexpr PostfixVersion kFirstWithMxPatterns{3, 10, 5};

}  // namespace tlspolicyd::tool
