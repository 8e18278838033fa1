#include "service/decision.h"

#include <algorithm>

namespace tlspolicyd::service {
namespace {

// More names than this would make the reply long without making mail safer: Postfix tries five.
constexpr std::size_t kMaxNames = 64;

bool allows(const sts::Policy& policy, const std::string& host) {
  return std::any_of(policy.mx.begin(), policy.mx.end(),
                     [&](const sts::MxPattern& pattern) { return pattern.matches(host); });
}

/// The hosts that mail for this question can go to, as far as they are known.
std::vector<std::string> hosts_for(const Question& question, const MxHosts* hosts) {
  if (question.terms.bracketed) return {question.domain.text()};
  return hosts ? hosts->names : std::vector<std::string>();
}

std::vector<std::string> allowed_names(const sts::Policy& policy,
                                       const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const auto& host : hosts) {
    if (names.size() == kMaxNames) break;
    if (allows(policy, host)) names.push_back(host);
  }
  return names;
}

}  // namespace

std::string_view name_of(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::no_policy: return "no-policy";
    case Decision::Kind::secure: return "secure";
    case Decision::Kind::dane: return "dane-only";
    case Decision::Kind::temporary: return "temporary";
  }
  return "unknown";
}

std::string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::none: return "";
    case Cause::own_trouble: return "own-trouble";
    case Cause::overloaded: return "overloaded";
    case Cause::disk: return "disk";
    case Cause::txt: return "txt";
    case Cause::mx: return "mx";
    case Cause::dane: return "dane";
    case Cause::pinned: return "pinned";
  }
  return "";
}

bool is_enforced(const sts::Policy& policy, const Terms& terms) {
  return policy.mode == sts::Mode::enforce ||
         (policy.mode == sts::Mode::testing && terms.enforce_testing);
}

bool needs_mx_hosts(const sts::Policy& policy, const Terms& terms) {
  return is_enforced(policy, terms) && terms.profile == Profile::compat && !terms.bracketed;
}

Decision apply(std::shared_ptr<const sts::StoredPolicy> policy, const Question& question,
               const MxHosts* hosts) {
  Decision decision;
  if (!is_enforced(policy->policy, question.terms)) {
    decision.reason = std::string("mode ") + std::string(name_of(policy->policy.mode));
    decision.policy = std::move(policy);
    return decision;
  }
  decision.kind = Decision::Kind::secure;
  auto existing = hosts_for(question, hosts);
  auto allowed = allowed_names(policy->policy, existing);
  if (allowed.empty() && (hosts || question.terms.bracketed))
    decision.elsewhere = std::make_shared<const std::vector<std::string>>(std::move(existing));
  if (question.terms.profile == Profile::compat) decision.mx_names = std::move(allowed);
  decision.policy = std::move(policy);
  return decision;
}

}  // namespace tlspolicyd::service
