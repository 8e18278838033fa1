#pragma once

#include <cstdint>

#include "base/clock.h"

namespace tlspolicyd::config {

/// How the configuration has been taken up, for status and metrics.
struct ReloadTally {
  base::WallTime loaded_at{};  ///< of what is in force
  std::uint64_t ok = 0;        ///< reloads; the start is none
  std::uint64_t failed = 0;    ///< those that kept what was in force
  bool last_failed = false;
};

}  // namespace tlspolicyd::config
