#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::sts {

/// One `mx` value of a policy: a host name, or a wildcard for exactly one label (RFC
/// 8461 3.2, 4.1).
///
/// Some values are grammatical but can be no MX host's name: an IPv4 address, a single label, a
/// label over 63 or a name over 253 octets. They are kept so that a report can show the policy as
/// declared, but is_matchable() is false and they must not be given to Postfix for matching.
class MxPattern {
 public:
  /// Reads `["*."] Domain` with Domain of RFC 5321 4.1.2; any case, and one final dot is dropped
  /// (a tolerance beyond the ABNF). U-labels are converted to A-labels (UTS 46, libidn2), which
  /// costs microseconds per octet. Error: Fault::invalid, its text has at most 60 bytes and nothing
  /// unprintable.
  static base::Result<MxPattern> parse(std::string_view value);

  /// As a policy writes it: A-labels, lower case, no final dot, e.g. "mail.example.com" or
  /// "*.example.com".
  const std::string& text() const { return text_; }

  bool is_wildcard() const { return text_.starts_with('*'); }

  /// False if no host name whatever can match.
  bool is_matchable() const;

  /// True if the MX host is one that this pattern allows (RFC 8461 4.1).
  /// REQUIRES: `mx_host` is in A-labels, lower case, without final dot (base::DomainName::text()).
  bool matches(std::string_view mx_host) const;

  bool operator==(const MxPattern&) const = default;

 private:
  explicit MxPattern(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace tlspolicyd::sts
