#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "service/book.h"
#include "service/inquiry.h"
#include "service/lookup.h"

namespace tlspolicyd::service {

/// What is known at once. `wire` is a kept reply, or empty for "no policy".
struct Settled {
  bool known = false;
  std::string_view wire;  ///< valid until the next call of the service
};

/// One decision per question: from the book where it is settled, from the network where it is not.
class PolicyService {
 public:
  using Done = Inquiry::Done;

  /// The book and all of `outside` must outlive the service, and it all inquiries it returned.
  PolicyService(Outside outside, Book& book, Inquiry::Settings settings);

  /// The hot path: what can be said without any look-up. `domain` is a policy domain as
  /// base::DomainName::text() writes it; of any other text nothing is known.
  Settled settled(std::string_view domain, const Terms& terms);

  /// Asks. `done` gets the decision within the settings' patience and the resolver's own deadline,
  /// 40 s by default, usually within milliseconds.
  base::OperationPtr ask(Question question, Done done);

  /// Begins to refresh the policy of a domain and calls `ended` once it has, with whatever success;
  /// false if something is under way for the domain already.
  bool refresh(const base::DomainName& domain, std::function<void()> ended);

  /// Keeps the reply made of a decision for settled(), as long as the decision is valid; one that
  /// is not to be kept is passed over.
  void keep(const Question& question, const Decision& decision, std::string wire);

  /// For questions asked from now on and those still waiting.
  void set_settings(Inquiry::Settings settings) { settings_ = settings; }

  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  Lookup& lookup_for(const base::DomainName& domain);
  Lookup& begin(const base::DomainName& domain, std::optional<Discovery::Purpose> purpose,
                std::function<void()> ended);
  void log_decision(const Question& question, const Decision& decision) const;

  Outside outside_;
  Inquiry::Settings settings_;
  Book& book_;
  /// The one place where questions for the same domain meet.
  std::unordered_map<std::string, std::unique_ptr<Lookup>> in_flight_;
};

}  // namespace tlspolicyd::service
