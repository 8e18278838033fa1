#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "sts/lifecycle.h"
#include "sts/upkeep.h"

namespace tlspolicyd::property {

/// Seconds of a clock that is never set.
using Moment = std::int64_t;

/// What must be true of one domain whose life is played to the pure core, written down plainly: the
/// reference that the walk compares the core with. Every method returns what was wrong, "" if all
/// was well.
struct Model {
  /// Of something that never was, or does not count any more.
  static constexpr Moment kNever = -(Moment{1} << 40);
  static constexpr std::size_t kIds = 2;

  std::optional<sts::StoredPolicy> stored;
  bool failed_since = false;     ///< a fetch failed since `stored` was fetched
  bool denied = false;           ///< the last TXT answer: DNSSEC proved that there is none
  Moment txt_answered = kNever;  ///< the last TXT look-up that ended with an answer
  Moment txt_failed = kNever;  ///< the last one that failed, not by our own trouble, if it is last
  Moment fetched = kNever;     ///< a fetch began
  std::array<Moment, kIds> failed{kNever, kNever};  ///< a fetch for that id failed
  Moment seen_expired = kNever;
  base::WallTime seen_expired_by_wall{};
  Moment clock_set = kNever;
  bool restarted = false;  ///< since the clock was set
  Moment alerted = kNever;

  bool is_valid(base::WallTime wall) const { return stored && wall < stored->expires_at; }

  /// Asked: may the record be looked at again, or be left alone?
  std::string asked(bool looks, Moment now, base::WallTime wall) const;
  /// The record names an id: must its policy be fetched, or may it not be?
  std::string found(std::size_t id, bool fetches, Moment now, base::WallTime wall) const;
  /// I8. `id` is one of kIds.
  std::string fetch_begins(std::size_t id, Moment now);
  void fetch_fails(std::size_t id, bool own_trouble, Moment now);
  /// I3: what the core would store of a policy that was fetched at `wall`.
  std::string policy_comes(const sts::StoredPolicy& renewed, const sts::Policy& policy,
                           const std::string& id, base::WallTime wall);
  std::string alert(Moment now, base::WallTime wall);
  /// The core looked after the policy.
  std::string looked(const sts::Attention& attention, Moment now, base::WallTime wall);
  void clock_is_set(Moment now);
  void restart();
  /// I1 to I4: what is stored is what was fetched, and is applied as long as it must be.
  std::string compare(const sts::Entry& entry, base::WallTime wall) const;
  /// RFC 8461 10.2: the refresh of a valid policy comes before its expiry.
  std::string refresh_comes(const sts::Entry& entry, base::WallTime wall,
                            base::WallTime clock_set_at) const;
};

}  // namespace tlspolicyd::property
