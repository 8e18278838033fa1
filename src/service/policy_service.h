#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "service/book.h"
#include "service/decision_log.h"
#include "service/domain_pauses.h"
#include "service/inquiry.h"
#include "service/lookup.h"

namespace tlspolicyd::service {

/// What is known at once. `wire` is a kept reply, or empty for "no policy".
struct Settled {
  bool known = false;
  Decision::Kind kind = Decision::Kind::no_policy;
  std::string_view wire{};  ///< valid until the next call of the service
};

/// What a policy was that was answered a moment ago, as far as it is still known.
struct Recalled {
  std::shared_ptr<const sts::StoredPolicy> policy;
  std::string_view
      wire{};  ///< the kept reply, "" if none; valid until the next call of the service
};

/// Counts what is done about MX hosts that do not fit (decisions.md 27, 28).
struct MxStats {
  std::uint64_t policy_refetches = 0;  ///< of policies that allow none of the MX hosts
  std::uint64_t findings_dropped = 0;  ///< after a delivery that failed
};

/// One decision per question: from the book where it is settled, from the network where it is not.
class PolicyService {
 public:
  using Done = Inquiry::Done;

  static constexpr base::seconds kDropPause{5};
  /// Between fetches of a policy because it allows none of the MX hosts; doubling while that lasts.
  static constexpr base::seconds kRefetchPause{300};
  static constexpr base::seconds kLongestRefetchPause{3600};

  /// The book and all of `outside` must outlive the service, and it all inquiries it returned.
  PolicyService(Outside outside, Book& book, Inquiry::Settings settings);

  /// The hot path: what can be said without any look-up. `domain` is a policy domain as
  /// base::DomainName::text() writes it; of any other text nothing is known.
  Settled settled(std::string_view domain, const Terms& terms);

  /// Asks. `done` gets the decision within the settings' patience and the resolver's own deadline,
  /// 40 s by default, usually within milliseconds.
  base::OperationPtr ask(Question question, Done done);

  /// What is known of an answer on these terms that left before, for the sender's benefit.
  Recalled recall(std::string_view domain, const Terms& terms);

  /// Begins to refresh the policy of a domain and calls `ended` once it has, with whatever success;
  /// false if something is under way for the domain already.
  bool refresh(const base::DomainName& domain, std::function<void()> ended);

  /// Keeps the reply made of a decision for settled(), as long as the decision is valid; one that
  /// is not to be kept, or is longer than 4 KiB, is passed over.
  void keep(const Question& question, const Decision& decision, std::string wire);

  /// Drops what is held of the MX hosts of a domain, with all replies made of them, and what was
  /// found of these hosts for DANE: the next question asks again (decisions.md 27). Names of the
  /// last day stay known.
  void drop_findings(std::string_view domain);

  /// The same, after a delivery that outdated findings may have made fail; at most once in
  /// kDropPause for one domain.
  void on_delivery_failed(std::string_view domain);

  /// Postfix found no MX host that the policy allows: the domain may have changed the policy and
  /// forgotten its id, so that it is fetched in the background (decisions.md 28). Not of a policy
  /// fetched a moment ago, nor of a policy host that is left alone.
  void on_no_host_allowed(std::string_view domain) { refetch(domain, "-"); }

  /// For questions asked from now on and those still waiting.
  void set_settings(Inquiry::Settings settings) { settings_ = std::move(settings); }

  std::size_t in_flight() const { return in_flight_.size(); }
  const MxStats& mx_stats() const { return mx_stats_; }

 private:
  void refetch(std::string_view domain, std::string_view mx);
  Lookup& lookup_for(const base::DomainName& domain);
  Lookup& begin(const base::DomainName& domain, std::optional<Discovery::Purpose> purpose,
                std::function<void()> ended);

  Outside outside_;
  Inquiry::Settings settings_;
  Book& book_;
  DecisionLog log_;
  MxStats mx_stats_;
  DomainPauses drop_pauses_{kDropPause, kDropPause};
  DomainPauses refetch_pauses_{kRefetchPause, kLongestRefetchPause};
  /// The one place where questions for the same domain meet.
  std::unordered_map<std::string, std::unique_ptr<Lookup>> in_flight_;
};

}  // namespace tlspolicyd::service
