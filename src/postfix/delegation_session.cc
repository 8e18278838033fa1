#include "postfix/delegation_session.h"

#include <optional>
#include <utility>

#include "base/registered_domain.h"
#include "postfix/delegation_request.h"
#include "sts/policy_domain.h"

namespace tlspolicyd::postfix {
namespace {

using service::Decision;

/// The policy domain of the recipient, if there is one to ask for.
std::optional<base::DomainName> domain_of(const DelegationRequest& request) {
  if (request.request != "smtpd_access_policy" || request.protocol_state != "RCPT") return {};
  const auto at = request.recipient.rfind('@');
  if (at == std::string_view::npos) return {};
  auto domain = sts::policy_domain(request.recipient.substr(at + 1));
  if (!domain) return {};
  return std::move(*domain);
}

}  // namespace

/// Waits for a decision, but not for long.
class DelegationSession::Waiting final : public base::Operation {
 public:
  Waiting(DelegationSession& session, base::DomainName domain, Done done)
      : session_(session), domain_(std::move(domain)), done_(std::move(done)) {
    timer_ = session.timers_.after(kPatience, [this] {
      ++session_.tally_.late;
      finish(std::string(session_.dunno()));
    });
    inquiry_ = session.service_.ask({domain_, {}}, [this](const Decision& decision) {
      finish(session_.reply_to(domain_, decision));
    });
  }

 private:
  void finish(const std::string& reply) {
    timer_.reset();
    const auto done = std::move(done_);
    done(reply);  // destroys this
  }

  DelegationSession& session_;
  base::DomainName domain_;
  Done done_;
  base::OperationPtr timer_;
  base::OperationPtr inquiry_;
};

Session::Step DelegationSession::serve(std::string_view bytes, std::string& out, Done done) {
  using Kind = Step::Kind;
  const auto request = read_delegation_request(bytes, kLongestRequest);
  if (request.status == DelegationRequest::Status::incomplete) return {};
  if (request.status == DelegationRequest::Status::malformed) {
    ++tally_.malformed;
    out += dunno();
    return {Kind::over};
  }
  const auto domain = domain_of(request);
  const auto settled = domain ? service_.settled(domain->text(), {}) : service::Settled{};
  if (!domain || overruled_(domain->text()) || settled.known) {
    out += dunno();
    return {Kind::answered, request.consumed};
  }
  return {Kind::waiting, request.consumed,
          std::make_unique<Waiting>(*this, *domain, std::move(done)),
          base::registered_domain(*domain)};
}

std::string DelegationSession::reply_to(const base::DomainName& domain, const Decision& decision) {
  if (decision.kind != Decision::Kind::secure || !decision.elsewhere || overruled_(domain.text()))
    return std::string(dunno());
  tally_.count(rules_.action);
  return render_delegation(rules_, domain.text(), *decision.policy, *decision.elsewhere);
}

std::string_view DelegationSession::dunno() {
  tally_.count(DelegationRules::Action::dunno);
  return kDunno;
}

}  // namespace tlspolicyd::postfix
