#pragma once

#include <algorithm>
#include <cstdint>
#include <forward_list>
#include <memory>
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
  static constexpr base::seconds kFetchFloor{60};     ///< between any two fetches of a domain
  static constexpr base::seconds kSameBody{3600};     ///< refresh after a new id with the old body
  static constexpr base::seconds kAlertPause{86400};  ///< between alerts of one domain

  /// How long an answer of the DNS with this TTL is believed: tTXT, tNEG.
  static constexpr base::seconds believed(base::seconds ttl) {
    return std::clamp(ttl, kTxtFloor, kTxtCeiling);
  }
  /// tERR: the pause after a DNS error that followed one with the pause `last`; zero: the first.
  static constexpr base::seconds after_dns_error(base::seconds last) {
    return last == base::seconds{0} ? kDnsErrorFirst : std::min(last * 2, kDnsErrorLast);
  }
};

/// A policy as it was fetched, with the id of the TXT record that led to it.
struct StoredPolicy {
  Policy policy;
  std::string id;
  base::WallTime fetched_at;
  /// The moment from which the policy is not applied (RFC 8461 3.2); see renewal().
  base::WallTime expires_at;

  bool operator==(const StoredPolicy&) const = default;
};

/// What is noted of a stored policy while it is kept; see also sts/upkeep.h.
struct Upkeep {
  /// What is noted once it was fetched anew.
  Upkeep fetched() const {
    auto noted = *this;
    noted.lapsed_at = {};
    noted.failures = 0;
    return noted;
  }

  base::WallTime used_at{};       ///< last asked for
  base::WallTime confirmed_at{};  ///< the TXT record last named its id
  base::WallTime tried_at{};      ///< last attempt to refresh it
  base::WallTime lapsed_at{};     ///< first seen expired; zero while it is valid
  std::uint32_t failures = 0;     ///< fetches that failed since it was fetched

  bool operator==(const Upkeep&) const = default;
};

/// Memory of an id whose policy could not be had, so that a broken host is not asked all the time
/// (RFC 8461 3.3: 5 minutes and more).
struct FailedFetch {
  std::string id;
  base::Error why;
  base::WallTime retry_at;
  base::seconds pause;  ///< present back-off, doubled at the next failure of the same id
};

/// The id of a policy that gave way to one of another node of the fleet: this node's resolver may
/// name it still, which is no news.
struct Superseded {
  std::string id;
  base::WallTime until;
};

/// Why a domain is without policy, as far as the last look at its TXT record told.
enum class Absence : std::uint8_t {
  unknown,
  no_record,
  invalid_record,
  several_records,
  dns_error,
  fetch_failed
};

std::string_view name_of(Absence absence);

/// All that is known of one policy domain.
struct Entry {
  std::shared_ptr<const StoredPolicy> stored;
  /// The latest first, as many as can fail within kFetchFailedFirst: with the floor between fetches
  /// no id is asked for again sooner than that, however many ids take turns.
  std::forward_list<FailedFetch> failed;
  base::WallTime txt_due{};      ///< the TXT record need not be asked before; zero: at once
  base::WallTime fetch_floor{};  ///< no fetch before
  base::seconds dns_pause{0};    ///< present back-off after DNS errors
  base::WallTime refresh_at{};   ///< planned refresh; zero: not planned yet
  base::WallTime alerted_at{};   ///< last alert that a policy could not be renewed
  Upkeep upkeep;
  std::shared_ptr<const Superseded> superseded;  ///< nullptr: none
  /// What the DNS said where the absence is dns_error, for people; else nullptr.
  std::shared_ptr<const std::string> dns_error;
  Absence absence = Absence::unknown;
  bool denied = false;     ///< DNSSEC proved that there is no record
  std::uint8_t marks = 0;  ///< marks of its lifetime passed with failed refreshes

  /// State V.
  bool is_valid(base::WallTime now) const { return stored && now < stored->expires_at; }
  /// True if a question must first look at the TXT record.
  bool is_due(base::WallTime now) const;
  /// True if neither the floor between fetches nor the back-off of this id forbids a fetch.
  bool may_fetch(const std::string& id, base::WallTime now) const;
  /// True if the record's id is that of the stored policy, or an older one.
  bool is_known(const std::string& id, base::WallTime now) const;
  /// The memory of this id, nullptr if there is none.
  const FailedFetch* failure_of(const std::string& id) const;
};

/// Events. TTLs are those of the DNS, unclamped.
struct TxtFound {
  std::string id;
  base::seconds ttl;
};
struct TxtAbsent {
  Absence kind;         ///< no_record, invalid_record or several_records
  base::seconds ttl;    ///< negative TTL of RFC 2308, zero when unknown
  bool denied = false;  ///< validated by DNSSEC
};
struct TxtFailed {
  base::Error why;
};
/// The policy is about to be refreshed, whatever the TXT record says.
struct RefreshBegun {};
/// A fetch left for the policy host; counts for the floor of S22.
struct FetchBegun {};
struct FetchFailed {
  std::string id;
  base::Error why;
};
/// An authenticated policy; from renewal(), and durable if the disk works.
struct PolicyFetched {
  std::shared_ptr<const StoredPolicy> policy;
  bool elsewhere = false;  ///< by another node of the fleet (sts/adoption.h)
};
using Event = std::variant<TxtFound, TxtAbsent, TxtFailed, RefreshBegun, FetchBegun, FetchFailed,
                           PolicyFetched>;

/// What the table says to do next.
enum class Next {
  answer,  ///< nothing more is needed: apply `stored` in state V, no policy otherwise
  fetch    ///< fetch the policy for the id just seen
};

/// Applies `event` at `now` to `entry` and says what to do next.
/// Faults that are our own trouble (base::is_own_trouble) set no back-off: the next question looks
/// again at once.
Next advance(Entry& entry, const Event& event, base::WallTime now);

/// Whoever is responsible says that the cause of failures may be gone: the next question looks, and
/// fetches, at once, and a refresh that has failed is due. The policy and its upkeep are as before.
void forget_failures(Entry& entry);

/// What is to be stored of a policy fetched at `now` for the TXT record's `id`.
/// It expires max_age after the fetch; a max_age below the fetch floor is held for the floor, since
/// nothing newer could be fetched. Where DNSSEC proved that the record is gone, a policy that is
/// still valid gets a new text but no longer life (decisions.md 7).
StoredPolicy renewal(const Entry& entry, std::string id, Policy policy, base::WallTime now);

/// True if a failure to fetch at `now` must raise an alert: an enforce policy has expired after
/// failed refreshes and mail is not protected by it any more (table, state X). Once, then daily;
/// notes that it was raised.
bool raises_alert(Entry& entry, base::WallTime now);

}  // namespace tlspolicyd::sts
