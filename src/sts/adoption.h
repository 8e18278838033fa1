#pragma once

#include <cstdint>

#include "sts/lifecycle.h"

/// Whether a node takes up the policy that another one fetched (decisions.md 24). Pure.
namespace tlspolicyd::sts {

/// How far the clocks of two nodes may differ.
inline constexpr base::seconds kClockSkew{300};

enum class Offer : std::uint8_t {
  better,    ///< fetched after ours, or we have none: to be taken up
  equal,     ///< ours
  outdated,  ///< ours was fetched later: the others are to be told
  expired,   ///< of no use to anybody
  wrong      ///< no node with a right clock can have written it
};

/// Judges an unauthenticated offer by its times alone: whoever can write into the shared cache can
/// set policies. Nothing is taken up that lasts longer than its own max_age.
Offer judge(const Entry& entry, const StoredPolicy& offered, base::WallTime now);

}  // namespace tlspolicyd::sts
