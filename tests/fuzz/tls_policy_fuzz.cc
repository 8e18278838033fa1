#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "postfix/tls_policy.h"

using namespace tlspolicyd::postfix;

/// What is taken for a policy has a level that exists, and names to match only where they belong.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = parse_tls_policy({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  const auto& level = policy->level;
  const bool matches = level == "verify" || level == "secure" || level == "fingerprint";
  if (!policy->match.empty() && !matches) std::abort();
  if (policy->policy_type.empty() && !policy->mx_host_pattern.empty()) std::abort();
  return 0;
}
