#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "postfix/delegation.h"

namespace tlspolicyd::postfix {

/// Counts the answers to policy delegation requests.
struct DelegationTally {
  static constexpr std::size_t kActions = 4;

  std::array<std::uint64_t, kActions> answers{};  ///< by DelegationRules::Action
  /// Of the answers "dunno": those given because the decision came too late, or because the request
  /// could not be read.
  std::uint64_t late = 0;
  std::uint64_t malformed = 0;

  void count(DelegationRules::Action action) { ++answers[static_cast<std::size_t>(action)]; }
};

/// "dunno", "warn", "defer", "reject".
std::string_view name_of(DelegationRules::Action action);

}  // namespace tlspolicyd::postfix
