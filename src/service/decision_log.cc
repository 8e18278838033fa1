#include "service/decision_log.h"

#include <fmt/format.h>

#include <utility>

namespace tlspolicyd::service {
namespace {

constexpr std::uint16_t kSmtp = 25;

/// The next-hop, as transport(5) writes it.
std::string key_of(const Question& question) {
  const auto& domain = question.domain.text();
  auto key = question.terms.bracketed ? fmt::format("[{}]", domain) : domain;
  if (question.terms.port != kSmtp) key += fmt::format(":{}", question.terms.port);
  return key;
}

std::string_view or_dash(std::string_view word) { return word.empty() ? "-" : word; }

}  // namespace

std::optional<unsigned> DecisionLog::turn_of(const std::string& domain) {
  const auto now = clock_.steady();
  if (recent_.size() >= kMostDomains && !recent_.contains(domain)) recent_.clear();
  auto& recent = recent_[domain];
  if (recent.lines == 0 || now - recent.begun >= kWindow)
    recent = {.begun = now, .lines = 0, .withheld = recent.withheld};
  if (recent.lines >= kBurst) {
    ++recent.withheld;
    return std::nullopt;
  }
  ++recent.lines;
  return std::exchange(recent.withheld, 0U);
}

void DecisionLog::write(const Question& question, const Decision& decision, base::WallTime asked_at,
                        bool observed) {
  using base::Severity;
  const auto severity =
      decision.kind == Decision::Kind::temporary ? Severity::warning : Severity::info;
  if (!log_.enabled(severity)) return;
  const auto withheld = turn_of(question.domain.text());
  if (!withheld) return;
  const auto& trail = decision.trail;
  const auto* said = observed ? "answered \"no policy\", since observe is on" : "answered";
  const auto* kind = observed ? "would_be" : "answer";
  const auto* policy = decision.policy.get();
  if (!policy) {
    log_.write(severity, said,
               {{"key", key_of(question)},
                {"domain", question.domain.text()},
                {kind, name_of(decision.kind)},
                {"why", decision.reason},
                {"txt", or_dash(trail.txt)},
                {"fetch", or_dash(trail.fetch)},
                {"gate", or_dash(trail.gate)},
                {"withheld", *withheld}});
    return;
  }
  const auto now = clock_.wall();
  log_.write(severity, said,
             {{"key", key_of(question)},
              {"domain", question.domain.text()},
              {kind, name_of(decision.kind)},
              {"mode", name_of(policy->policy.mode)},
              {"id", policy->id},
              {"source", policy->fetched_at >= asked_at ? "live" : "cache"},
              {"age", (now - policy->fetched_at).count()},
              {"expires", (policy->expires_at - now).count()},
              {"txt", or_dash(trail.txt)},
              {"fetch", or_dash(trail.fetch)},
              {"gate", or_dash(trail.gate)},
              {"withheld", *withheld}});
}

}  // namespace tlspolicyd::service
