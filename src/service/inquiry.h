#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/operation.h"
#include "service/lookup.h"

namespace tlspolicyd::service {

/// How long a question waits (decisions.md 14); the look-ups themselves go on.
struct Patience {
  base::milliseconds dns;    ///< for the TXT record
  base::milliseconds whole;  ///< in all, once a policy is known to exist

  /// Of a question whose answer is known but may be outdated.
  static constexpr Patience with_policy() { return {base::seconds{2}, base::seconds{5}}; }
};

/// One question that has to wait. Ends at the latest with its patience plus the resolver's own
/// deadline for the MX look-up and the DANE gate's: far below Postfix's 100 s.
class Inquiry final : public base::Operation, private Lookup::Waiter {
 public:
  using Done = std::function<void(const Decision&)>;
  struct Settings {
    Patience patience;        ///< where no policy is known
    bool defer_on_dns_error;  ///< discovery.on_dns_error: temp
    /// Policy domains of which the operator says that they have a policy: mail to them is deferred
    /// while none is known (decisions.md 6, 13).
    std::set<std::string, std::less<>> pinned{};
    /// Whatever is decided, the answer is "no policy" (decisions.md 13); for the log.
    bool observe = false;

    bool is_pinned(std::string_view domain) const {
      return !pinned.empty() && pinned.contains(domain);
    }
  };

  /// `lookup` must outlive the inquiry or have delivered its decision.
  Inquiry(const Outside& outside, Book& book, Lookup& lookup, const Settings& settings,
          Question question, Done done);
  ~Inquiry() override;

 private:
  std::optional<Decision> try_decide() override;
  std::optional<Decision> decide();
  void deliver(Decision decision) override;

  bool asks_for_mx(const sts::Policy& policy) const;
  const std::optional<MxResult>& mx_hosts();
  const std::optional<MxResult>& mx_hosts_for(const sts::Policy& policy);
  const GateFindings* gate();
  bool may_change(const sts::Entry& entry, base::WallTime now) const;
  void arm(base::milliseconds delay);
  void on_timer();
  Decision unknown_policy(const sts::Entry& entry, base::WallTime now) const;
  Decision without_policy(const sts::Entry& entry, base::WallTime now) const;
  std::optional<Decision> enforced(const std::shared_ptr<const sts::StoredPolicy>& policy,
                                   base::WallTime valid_until);
  std::optional<Decision> unless_dane(Decision decision);

  const Outside& outside_;
  Book& book_;
  Lookup* lookup_;  ///< nullptr once delivered
  const Settings& settings_;
  Question question_;
  Done done_;
  std::string_view gate_word_;        ///< of the trail
  unsigned mx_era_ = 0;               ///< of the book, when they were told
  std::optional<MxResult> mx_hosts_;  ///< once they were asked for and told
  base::SteadyTime mx_since_{};       ///< the DNS must have been asked for them then, or later
  base::SteadyTime asked_at_;
  Patience patience_;
  enum class Stage { first_look, dns, whole, over } stage_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::service
