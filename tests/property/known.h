#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "policy_text.h"

namespace tlspolicyd::property {

/// A policy that the network delivered, authenticated, to the service.
struct Version {
  bool is_enforced(bool testing_enforced) const {
    return policy.mode == sts::Mode::enforce ||
           (policy.mode == sts::Mode::testing && testing_enforced);
  }

  PolicyText policy;
  std::optional<std::string> id;  ///< of the TXT record that led to it, if there is no doubt
  base::WallTime fetched_at;
  /// When it must no longer be applied, and until when it must be: they differ only where it is in
  /// doubt which policy it replaced.
  base::WallTime expires_at_last;
  base::WallTime expires_at_first;
  base::SteadyTime at;
  base::milliseconds ran{0};                  ///< the process's running time then
  bool this_life = true;                      ///< fetched since the last start
  bool same_body = false;                     ///< as the one before, under another id
  std::optional<base::WallTime> lapsed_at{};  ///< first seen expired
  bool restarted_since = false;               ///< since then
  bool may_be_gone = false;                   ///< was expired for so long that it may be forgotten
};

/// An MX set that the network delivered, as host names.
struct MxSeen {
  std::vector<std::string> hosts;
  bool secure = false;  ///< it, or that there is none, was validated
  base::SteadyTime asked{};
  base::SteadyTime at{};
  base::SteadyTime until{};  ///< no question that begins later may be answered by it
};

/// What an observer of the network, the disk and the answers knows of one domain. What the service
/// holds is not looked at, but bounded: it is one of `versions` from `held` on.
struct Known {
  static constexpr int kNothing = -1;

  std::vector<Version> versions;
  int held = kNothing;     ///< this version or a later one; kNothing: or none at all
  int durable = kNothing;  ///< the disk has this version or a later one
  int last() const { return static_cast<int>(versions.size()) - 1; }

  // The network, since the last start.
  std::optional<std::string> txt_id;  ///< that the last TXT answer named
  bool denied = false;                ///< the last TXT answer: DNSSEC proved that there is none
  int txt_asked = 0;                  ///< questions under way
  bool txt_may_be_old = false;
  std::optional<base::SteadyTime> txt_looked_at;  ///< asked for, or answered
  bool fetching = false;
  std::optional<std::string> fetch_id;
  bool ended_in_own_trouble = false;  ///< the last thing that became of its TXT or fetch
  std::optional<base::SteadyTime> own_trouble_at;
  std::optional<base::SteadyTime> mx_failed_at;
  base::SteadyTime mx_asked_at{};
  std::vector<MxSeen> mx;
  /// All host names of `mx` that a question under way at `now` may find to be of the last day.
  std::vector<std::string> hosts_of_last_day(base::SteadyTime now) const;

  // For I8: forgotten where it does not bind.
  std::optional<base::SteadyTime> fetched_at;
  std::map<std::string, base::SteadyTime> failed_at;

  // For the memory of expired policies: since when what may be held has been expired.
  std::optional<base::SteadyTime> lapsed_at;

  // For refreshes in time.
  bool tried = false;                         ///< a fetch began since the last version came
  bool disturbed = true;                      ///< something happened that excuses a late refresh
  std::optional<base::milliseconds> overdue;  ///< running time when it became due
  std::optional<base::SteadyTime> asked_at;   ///< last, since the clock was set
  base::milliseconds asked_from{0};           ///< running time of the first of these
};

}  // namespace tlspolicyd::property
