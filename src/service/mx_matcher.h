#pragma once

#include <string_view>
#include <vector>

#include "sts/mx_pattern.h"

namespace tlspolicyd::service {

/// The host names that the `mx` values of a policy allow (RFC 8461 4.1), for many hosts and many
/// values: a lookup costs the logarithm of their number. The patterns must outlive it.
class MxMatcher {
 public:
  explicit MxMatcher(const std::vector<sts::MxPattern>& patterns);

  /// `host` in lower case, in A-labels, without final dot.
  bool allows(std::string_view host) const;

 private:
  std::vector<std::string_view> names_;     ///< of patterns without wildcard, sorted
  std::vector<std::string_view> suffixes_;  ///< of wildcards: "example.org", sorted
};

}  // namespace tlspolicyd::service
