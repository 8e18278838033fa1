#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

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

  /// Whether the operator's word takes the place of a domain's policy (decisions.md 13).
  using Overruled = std::function<bool(std::string_view domain)>;

  /// All given must outlive it. Counts in `tally`. Nothing is said of a domain that is `overruled`
  /// at that moment.
  DelegationSession(service::PolicyService& service, base::Timers& timers,
                    const DelegationRules& rules, Overruled overruled, DelegationTally& tally)
      : service_(service),
        timers_(timers),
        rules_(rules),
        overruled_(std::move(overruled)),
        tally_(tally) {}

  Step serve(std::string_view bytes, std::string& out, Done done) override;
  std::string_view reply_without_waiting() override { return dunno(); }

 private:
  class Waiting;
  std::string reply_to(const base::DomainName& domain, const service::Decision& decision);
  std::string_view dunno();

  service::PolicyService& service_;
  base::Timers& timers_;
  const DelegationRules& rules_;
  Overruled overruled_;
  DelegationTally& tally_;
};

}  // namespace tlspolicyd::postfix
