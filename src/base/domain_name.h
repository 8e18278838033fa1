#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::base {

/// A host or domain name in the one form in which this program compares, stores and sends names:
/// A-labels, lower case, no final dot (RFC 1035, 4343, 5890).
///
/// Labels are 1 to 63 letters, digits, hyphens and underscores (the last for lookups such as
/// `_mta-sts`; RFC 2782); the name is 1 to 253 octets.
class DomainName {
 public:
  /// Longest name in text form without final dot (RFC 1035 2.3.4: 255 octets on the wire).
  static constexpr std::size_t kMaxLength = 253;

  /// Reads a name as people and Postfix write it: any case, one final dot allowed, U-labels mapped
  /// by UTS 46 (RFC 5891, libidn2). Error: Fault::invalid.
  static Result<DomainName> parse(std::string_view text);

  /// The root of the DNS, whose text is empty; the only name that parse() does not read.
  static DomainName root() { return DomainName(std::string()); }

  const std::string& text() const { return text_; }

  /// True for a single label such as "localhost".
  bool is_single_label() const { return text_.find('.') == std::string::npos; }

  /// The right-most label, e.g. "org".
  std::string_view top_level() const;

  /// This name below a further label: "example.org" with "_mta-sts" is "_mta-sts.example.org".
  /// Error: Fault::invalid when the result is too long. REQUIRES: `label` is one valid label.
  Result<DomainName> below(std::string_view label) const;

  auto operator<=>(const DomainName&) const = default;

 private:
  explicit DomainName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// True if `text` is a valid label for an Internet host (RFC 1123 2.1): 1 to 63 letters, digits and
/// hyphens, no hyphen at either end. Case does not matter.
bool is_host_label(std::string_view text);

}  // namespace tlspolicyd::base

template <>
struct std::hash<tlspolicyd::base::DomainName> {
  std::size_t operator()(const tlspolicyd::base::DomainName& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
