#include "service/decision.h"

#include <algorithm>

#include "service/mx_matcher.h"

namespace tlspolicyd::service {
namespace {

// More names than this would make the reply long without making mail safer: Postfix tries five.
constexpr std::size_t kMaxNames = 64;

/// The hosts that mail for this question can go to, as far as they are known.
std::vector<std::string> hosts_for(const Question& question, const MxHosts* hosts) {
  if (question.terms.bracketed) return {question.domain.text()};
  return hosts ? hosts->names : std::vector<std::string>();
}

/// Those of `hosts` that the policy allows, in their order, at most kMaxNames.
std::vector<std::string> allowed_names(const MxMatcher& matcher,
                                       const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const auto& host : hosts) {
    if (names.size() == kMaxNames) break;
    if (matcher.allows(host)) names.push_back(host);
  }
  return names;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (names.size() < kMaxNames && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

/// What else a certificate may be valid for where an MX host conforms: Postfix may have asked
/// another resolver, or the domain is moving (decisions.md 27). A wildcard is no name: in match= it
/// would allow names of any depth, and hosts that nobody has seen.
void add_forgiven_names(std::vector<std::string>& names, const sts::Policy& policy,
                        const MxMatcher& matcher, const MxHosts& hosts) {
  for (const auto& pattern : policy.mx)
    if (!pattern.is_wildcard() && pattern.is_matchable()) add_once(names, pattern.text());
  for (const auto& earlier : hosts.earlier)
    if (matcher.allows(earlier.name)) add_once(names, earlier.name);
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
  const MxMatcher matcher(policy->policy.mx);
  auto existing = hosts_for(question, hosts);
  auto names = allowed_names(matcher, existing);
  if (names.empty() && (hosts || question.terms.bracketed)) {
    existing.resize(std::min(existing.size(), kMaxNames));
    decision.elsewhere = std::make_shared<const std::vector<std::string>>(std::move(existing));
  }
  if (question.terms.profile == Profile::compat) {
    if (!names.empty() && hosts && !question.terms.bracketed)
      add_forgiven_names(names, policy->policy, matcher, *hosts);
    decision.mx_names = std::move(names);
  }
  decision.policy = std::move(policy);
  return decision;
}

bool allows_any(const sts::Policy& policy, const MxHosts& hosts) {
  const MxMatcher matcher(policy.mx);
  return std::any_of(hosts.names.begin(), hosts.names.end(),
                     [&](const std::string& name) { return matcher.allows(name); });
}

}  // namespace tlspolicyd::service
