#include <fmt/format.h>

#include <algorithm>

#include "event.h"
#include "oracle.h"

/// What the oracle concludes of the DANE gate: I11 and I12.
namespace tlspolicyd::property {

namespace {

/// Whether the table says `what` for one host out of each set (by bits, see HostsSeen::states).
bool some_row_says(Governs what, const std::vector<unsigned>& sets, std::vector<HostIs>& hosts) {
  if (hosts.size() == sets.size()) return gate(hosts) == what;
  for (int state = 0; state < kHostStates; ++state) {
    if ((sets[hosts.size()] & 1U << static_cast<unsigned>(state)) == 0) continue;
    hosts.push_back(static_cast<HostIs>(state));
    const bool says = some_row_says(what, sets, hosts);
    hosts.pop_back();
    if (says) return true;
  }
  return false;
}

/// A bracketed next-hop is its own only host, secure by the operator's word (decisions.md 9).
MxSeen only_host(const std::string& domain) { return {.hosts = {domain}, .secure = true}; }

}  // namespace

bool Oracle::enforces_now(const Known& known, const Question& question) const {
  for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
    const auto& version = known.versions[static_cast<std::size_t>(at)];
    if (time_.wall() < version.expires_at_last && version.is_enforced(question.testing_enforced))
      return true;
  }
  return false;
}

bool Oracle::needs_mx(const Question& question) const {
  return !question.bracketed && (!question.by_patterns || gate_is_on());
}

/// True if the question may be answered by this set: it was not outdated when the question began.
bool Oracle::may_use(const MxSeen& mx, const Question& question) const {
  if (outdated_ && mx.at < *outdated_ && question.began > *outdated_) return false;
  return mx.at >= question.began || question.began < mx.until;
}

bool Oracle::gate_may_say(Governs what, const Question& question, const MxSeen& mx) const {
  if (!gate_is_on() || !mx.secure) return what == Governs::sts;
  auto since = outdated_;
  if (since && question.began <= *since) since.reset();
  std::vector<unsigned> sets;
  for (const auto& host : mx.hosts)
    sets.push_back(hosts_.states(host, question.port, question.began, time_.steady(), since));
  std::vector<HostIs> hosts;
  return some_row_says(what, sets, hosts);
}

bool Oracle::gate_may_say(Governs what, const Question& question, const Known& known) const {
  if (!gate_is_on()) return what == Governs::sts;
  if (question.bracketed) return gate_may_say(what, question, only_host(kDomains[question.domain]));
  return std::any_of(known.mx.begin(), known.mx.end(), [&](const MxSeen& mx) {
    return may_use(mx, question) && gate_may_say(what, question, mx);
  });
}

void Oracle::check_dane_only(const Question& question, Known& known) {
  for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
    const auto& version = known.versions[static_cast<std::size_t>(at)];
    if (time_.wall() >= version.expires_at_last || !version.is_enforced(question.testing_enforced))
      continue;
    if (!gate_may_say(Governs::dane_only, question, known))
      blame("I11: dane-only, though no host has usable TLSA; " + state_of(question.domain));
    return applied(known, at);
  }
  blame("I12: dane-only without a policy in force; " + state_of(question.domain));
}

/// I12: MX hosts are asked for only where an enforce policy is about to be answered.
void Oracle::check_mx_question(const std::string& domain) {
  const auto& known = known_[domain];
  for (const auto& [number, question] : pending_)
    if (kDomains[question.domain] == domain && needs_mx(question) && enforces_now(known, question))
      return;
  blame(fmt::format("I12: MX of {} is asked for, and nobody needs it", domain));
}

void Oracle::check_address_question(const std::string& host) {
  const auto leads_to_it = [&](const Question& question) {
    const auto& domain = kDomains[question.domain];
    const auto& known = known_[domain];
    if (!enforces_now(known, question)) return false;
    if (question.bracketed) return domain == host;
    return std::any_of(known.mx.begin(), known.mx.end(), [&](const MxSeen& mx) {
      return mx.secure && may_use(mx, question) &&
             std::find(mx.hosts.begin(), mx.hosts.end(), host) != mx.hosts.end();
    });
  };
  const bool wanted =
      gate_is_on() && std::any_of(pending_.begin(), pending_.end(),
                                  [&](auto& asked) { return leads_to_it(asked.second); });
  if (!wanted)
    blame(fmt::format("I12: addresses of {} are asked for, and nobody needs them", host));
}

}  // namespace tlspolicyd::property
