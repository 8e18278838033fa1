#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sts/mx_pattern.h"

namespace tlspolicyd::sts {

/// What a sender shall do with a host that fails the policy (RFC 8461 5).
enum class Mode { enforce, testing, none };

/// The word in the policy file, e.g. "enforce".
std::string_view name_of(Mode mode);

/// The mode of that word; case matters.
std::optional<Mode> mode_of(std::string_view word);

/// Greatest max_age (RFC 8461 3.2); a greater one is lowered to it.
inline constexpr std::chrono::seconds kMaxMaxAge{31557600};

/// A valid policy (RFC 8461 3.2) as values; nothing of the file's own text is in it.
struct Policy {
  Mode mode = Mode::none;
  /// Lifetime from the fetch, 0 to kMaxMaxAge.
  std::chrono::seconds max_age{0};
  /// In the order of the file, each once, at most 512. Empty only if the mode is none; may hold
  /// patterns that are not matchable, or nothing else.
  std::vector<MxPattern> mx;
  /// The order of the known lines in the file, a letter for each: v version, m mode, a max_age,
  /// x the next of `mx`. Lines that were ignored have no letter.
  std::string line_order;

  bool operator==(const Policy&) const = default;
};

/// The lines of the policy file in its order, e.g. "version: STSv1", written anew from the values:
/// what RFC 8460 4.4 calls policy-string. Joined with line ends they parse to an equal policy.
std::vector<std::string> policy_lines(const Policy& policy);

}  // namespace tlspolicyd::sts
