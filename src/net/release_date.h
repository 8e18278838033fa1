#pragma once

#include <chrono>

#include "base/clock.h"

namespace tlspolicyd::net {

/// When this version was released: that of the newest entry of debian/changelog. A clock that says
/// less is wrong. Written by hand, so that two builds of one version are the same.
inline constexpr base::WallTime kReleaseDate =
    std::chrono::sys_days(std::chrono::year(2026) / std::chrono::November / 28);

}  // namespace tlspolicyd::net
