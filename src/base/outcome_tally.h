#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.h"

namespace tlspolicyd::base {

inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::system) + 1;

/// Counts what became of something: successes, and failures by their fault.
struct OutcomeTally {
  std::uint64_t succeeded = 0;
  std::array<std::uint64_t, kFaults> failed{};

  /// `fault` of a failure, nothing for a success.
  void count(std::optional<Fault> fault) {
    ++(fault ? failed[static_cast<std::size_t>(*fault)] : succeeded);
  }
};

}  // namespace tlspolicyd::base
