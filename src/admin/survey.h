#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/operation.h"
#include "service/book.h"

namespace tlspolicyd::admin {

/// The policies of the book, counted.
struct Census {
  std::size_t enforce = 0;  ///< that are applied, by mode
  std::size_t testing = 0;
  std::size_t none = 0;
  std::size_t expired = 0;  ///< kept, not applied
  std::size_t failing = 0;  ///< applied, and every refresh since they were fetched has failed
  struct Failing {
    std::string domain;
    base::WallTime fetched_at;
    base::WallTime expires_at;
    std::uint32_t failures = 0;
  };
  std::optional<Failing> oldest_failing;  ///< the one that was fetched longest ago

  /// The same by mode; what no operator needs to act on is among testing and none.
  std::size_t failing_enforce = 0;
  std::size_t failing_testing = 0;
  std::size_t failing_none = 0;
  // Of failing_enforce:
  std::optional<base::WallTime> oldest_enforce;  ///< when the oldest one was fetched
  std::size_t last_quarter = 0;                  ///< less than a quarter of their life is left
  std::size_t expiring_soon = 0;                 ///< they expire within kSoon
  // Enforce policies that expired after failed refreshes, so that mail is not protected any more:
  std::size_t lapsed = 0;
  std::size_t lapsed_in_use = 0;  ///< asked for since the expiry, and within kSoon

  static constexpr base::seconds kSoon{86'400};
};

/// Counts them in slices, between which the loop serves others: a full book takes tens of
/// milliseconds.
class Survey final : public base::Operation {
 public:
  static constexpr std::size_t kSlice = 1000;  ///< policies, about

  using Done = std::function<void(const Census&)>;

  /// All that is given must outlive it.
  Survey(service::Book& book, const base::Clock& clock, base::Timers& timers, Done done);

 private:
  void soon();
  void count_some();
  void count(const std::string& domain, const sts::Entry& entry);
  void count_lapsed(const sts::Entry& entry);
  void count_failing_enforce(const sts::StoredPolicy& policy);

  service::Book& book_;
  const base::Clock& clock_;
  base::Timers& timers_;
  Done done_;
  Census census_;
  std::size_t from_ = 0;
  base::OperationPtr next_;
};

}  // namespace tlspolicyd::admin
