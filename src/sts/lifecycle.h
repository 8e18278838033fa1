#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "sts/policy.h"

/// The life of what is known of one policy domain, as a table (spec "Cache and refresh state
/// machine"): pure functions of an entry, an event and the time. A policy is in one of three
/// states: U unknown (nothing stored), V valid (stored, not expired), X expired (stored, no longer
/// applied). Only an authenticated policy (PolicyFetched) ever writes `stored` (invariant I3).
namespace tlspolicyd::sts {

/// Timers of the table; all in seconds.
struct Timing {
  static constexpr base::seconds kTxtFloor{60};       ///< tTXT, tNEG: never asked again sooner
  static constexpr base::seconds kTxtCeiling{3600};   ///< tTXT, tNEG: always asked again by then
  static constexpr base::seconds kDnsErrorFirst{30};  ///< tERR, doubling (RFC 2308 7.1)
  static constexpr base::seconds kDnsErrorLast{300};
  static constexpr base::seconds kFetchFailedFirst{
      300};  ///< tFAIL of one id, doubling (RFC 8461 3.3)
  static constexpr base::seconds kFetchFailedLast{3600};
  static constexpr base::seconds kFetchFloor{60};  ///< between any two fetches of a domain
};

/// A policy as it was fetched, with the id of the TXT record that led to it.
struct StoredPolicy {
  Policy policy;
  std::string id;
  base::WallTime fetched_at;

  /// The moment from which the policy is not applied: max_age after the fetch (RFC 8461 3.2). A
  /// max_age below the fetch floor is held for the floor, since nothing newer could be fetched.
  base::WallTime expires_at() const;
};

/// Memory of the last id whose policy could not be had, so that a broken host is not asked all the
/// time (RFC 8461 3.3: 5 minutes and more).
struct FailedFetch {
  std::string id;
  base::Error why;
  base::WallTime retry_at;
  base::seconds pause;  ///< present back-off, doubled at the next failure of the same id
};

/// Why a domain is without policy, as far as the last look at its TXT record told.
enum class Absence { unknown, no_record, invalid_record, several_records, dns_error, fetch_failed };

std::string_view name_of(Absence absence);

/// All that is known of one policy domain.
struct Entry {
  std::shared_ptr<const StoredPolicy> stored;
  std::unique_ptr<FailedFetch> failed;
  base::WallTime txt_due{};      ///< the TXT record need not be asked before; zero: at once
  base::WallTime fetch_floor{};  ///< no fetch before
  base::seconds dns_pause{0};    ///< present back-off after DNS errors
  Absence absence = Absence::unknown;

  /// State V.
  bool is_valid(base::WallTime now) const { return stored && now < stored->expires_at(); }
  /// True if a question must first look at the TXT record.
  bool is_due(base::WallTime now) const;
};

/// Events. TTLs are those of the DNS, unclamped.
struct TxtFound {
  std::string id;
  base::seconds ttl;
};
struct TxtAbsent {
  Absence kind;       ///< no_record, invalid_record or several_records
  base::seconds ttl;  ///< negative TTL of RFC 2308, zero when unknown
};
struct TxtFailed {
  base::Error why;
};
/// A fetch left for the policy host; counts for the floor of S22.
struct FetchBegun {};
struct FetchFailed {
  std::string id;
  base::Error why;
};
struct PolicyFetched {
  std::string id;
  Policy policy;
};
using Event = std::variant<TxtFound, TxtAbsent, TxtFailed, FetchBegun, FetchFailed, PolicyFetched>;

/// What the table says to do next.
enum class Next {
  answer,  ///< nothing more is needed: apply `stored` in state V, no policy otherwise
  fetch    ///< fetch the policy for the id just seen
};

/// Applies `event` at `now` to `entry` and says what to do next.
/// Faults that are our own trouble (base::is_own_trouble) set no back-off: the next question looks
/// again at once.
Next advance(Entry& entry, const Event& event, base::WallTime now);

}  // namespace tlspolicyd::sts
