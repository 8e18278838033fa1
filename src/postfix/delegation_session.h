#pragma once

#include "base/clock.h"
#include "postfix/delegation.h"
#include "postfix/delegation_tally.h"
#include "postfix/session.h"
#include "service/policy_service.h"

namespace tlspolicyd::postfix {

/// A client of Postfix's policy delegation protocol (SMTPD_POLICY_README), smtpd(8) at RCPT TO:
/// has the policy of the recipient's domain looked up, so that it is known when the message is
/// delivered, and tells of domains that no mail can be delivered to. Trouble of any kind, and an
/// answer that is not known after kPatience, is DUNNO (decisions.md 22).
class DelegationSession final : public Session {
 public:
  /// A person waits for the reply to RCPT TO.
  static constexpr base::milliseconds kPatience{5000};

  /// All given must outlive it. Counts in `tally`.
  DelegationSession(service::PolicyService& service, base::Timers& timers,
                    const DelegationRules& rules, DelegationTally& tally)
      : service_(service), timers_(timers), rules_(rules), tally_(tally) {}

  Step serve(std::string_view bytes, std::string& out, Done done) override;

 private:
  class Waiting;
  std::string reply_to(const base::DomainName& domain, const service::Decision& decision);
  std::string_view dunno();

  service::PolicyService& service_;
  base::Timers& timers_;
  const DelegationRules& rules_;
  DelegationTally& tally_;
};

}  // namespace tlspolicyd::postfix
