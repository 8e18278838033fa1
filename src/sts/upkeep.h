#pragma once

#include "base/clock.h"
#include "sts/lifecycle.h"

/// What a stored policy needs while nobody asks for it: refreshes, warnings, an end (RFC
/// 8461 3.3, 10.2; decisions.md 20). Pure, like the table of sts/lifecycle.h.
namespace tlspolicyd::sts {

/// When policies are refreshed; the names of tlspolicyd.yaml(5).
struct RefreshRules {
  base::seconds interval{86400};       ///< at most this long after the last fetch
  int jitter = 10;                     ///< per cent by which a pause may differ
  base::seconds unused{180 * 86400L};  ///< not asked for that long: it is left to run out
};

/// How long an expired policy is remembered, so that a corrected clock restores it.
inline constexpr base::seconds kTombstone{30 * 86400L};

/// After a start, refreshes that are overdue are spread over this time.
inline constexpr base::seconds kSpread{3600};

/// How long after a fetch its policy is fetched again: the interval or half of max_age, whichever
/// is shorter, give or take the jitter; at least 300 s. `dice` is in [0, 1).
base::seconds refresh_pause(const Policy& policy, const RefreshRules& rules, double dice);

/// When a policy will be refreshed: as planned, or about as it will be once that is planned; zero
/// if it is left to run out, or has. REQUIRES: entry.stored.
base::WallTime next_refresh(const Entry& entry, base::WallTime now, const RefreshRules& rules);

/// What one look at a policy found.
struct Attention {
  enum class Notice {
    none,
    expiring,  ///< half, a quarter or a tenth of its life is left, and refreshes fail
    expired    ///< an enforce policy expired after failed refreshes
  };
  bool refresh = false;  ///< it is to be fetched anew, now
  bool forget = false;   ///< it expired long ago
  bool changed = false;  ///< its upkeep was noted anew
  Notice notice = Notice::none;
};

/// Looks after an entry with a stored policy, and plans its next refresh if none is planned.
/// `clock_set_at`: the wall clock's reading after it was last set, zero if it never was: what
/// expired under an earlier clock is kept from then on for the whole time again.
Attention look_after(Entry& entry, base::WallTime now, const RefreshRules& rules, double dice,
                     base::WallTime clock_set_at);

}  // namespace tlspolicyd::sts
