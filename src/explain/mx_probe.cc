#include "explain/mx_probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "explain/words.h"
#include "postfix/next_hop.h"
#include "postfix/tls_policy.h"

namespace tlspolicyd::explain {
namespace {

using Stage = net::SmtpProbeReport::Stage;
using Verdict = MxProbe::Verdict;

Demand demand_of(const postfix::TlsPolicy& policy) {
  Demand demand;
  demand.names = policy.match;
  if (policy.level == "secure" || policy.level == "verify") {
    demand.kind = Demand::Kind::certificate;
    // The defaults of smtp_tls_secure_cert_match and smtp_tls_verify_cert_match.
    if (demand.names.empty() && policy.level == "secure") demand.names = {"nexthop", "dot-nexthop"};
    if (demand.names.empty()) demand.names = {"hostname"};
  } else if (policy.level == "dane-only") {
    demand.kind = Demand::Kind::tlsa;
  } else if (policy.level == "encrypt") {
    demand.kind = Demand::Kind::tls;
  } else if (policy.level != "may" && policy.level != "none") {
    demand.kind = Demand::Kind::unknown;
    demand.why = "the level " + policy.level + " is not looked at";
  }
  return demand;
}

Demand demand_of(const Explanation& of) {
  const auto reply = std::find_if(of.replies.begin(), of.replies.end(),
                                  [](const auto& told) { return told.map == "postfix"; });
  const std::string text = reply == of.replies.end() ? "" : reply->text;
  if (text.starts_with("OK "))
    if (const auto policy = postfix::parse_tls_policy(text.substr(3))) return demand_of(*policy);
  Demand demand;
  if (!text.starts_with("NOTFOUND")) {
    demand.kind = Demand::Kind::unknown;
    demand.why = "the answer is " + text;
  } else if (of.by_operator.empty() && of.policy && of.policy->ok() &&
             (*of.policy)->mode == sts::Mode::testing) {
    demand.kind = Demand::Kind::certificate;
    demand.binding = false;
    for (const auto& mx : of.mx_verdicts)
      if (!mx.pattern.empty()) demand.names.push_back(mx.host);
  }
  return demand;
}

/// The usable ones of `host`, if the gate has looked for them.
void tell_tlsa(const Gate& gate, std::uint16_t port, ProbePlan::Host& host) {
  const auto name = fmt::format("_{}._tcp.{}", port, host.name);
  for (const auto& found : gate.hosts)
    if (found.host == host.name && found.state == dane::HostState::none) host.tlsa_known = true;
  for (const auto& step : gate.tlsa) {
    if (step.asked.name.text() != name || !step.succeeded()) continue;
    host.tlsa_known = true;
    if (!step.outcome->value().authenticated) continue;
    for (const auto& record : step.outcome->value().tlsa)
      if (is_usable(record)) host.tlsa.push_back(record);
  }
}

/// match= with its keywords spelled out.
std::vector<std::string> names_for(const ProbePlan& plan, const ProbePlan::Host& host) {
  std::vector<std::string> names;
  for (const auto& name : plan.demand.names) {
    if (name == "hostname") {
      names.push_back(host.name);
    } else if (name == "nexthop") {
      names.push_back(plan.domain);
    } else if (name == "dot-nexthop") {
      names.push_back("." + plan.domain);
    } else {
      names.push_back(name);
    }
  }
  return names;
}

bool is_reached(const MxProbe& probe) { return probe.report.reached > Stage::connecting; }

class Judge {
 public:
  Judge(const ProbePlan& plan, const ProbePlan::Host& host, MxProbe& out)
      : plan_(plan), host_(host), out_(out), report_(out.report) {}

  void judge() {
    switch (plan_.demand.kind) {
      case Demand::Kind::nothing: return nothing();
      case Demand::Kind::tls: return tls();
      case Demand::Kind::certificate: return certificate();
      case Demand::Kind::tlsa: return tlsa();
      case Demand::Kind::unknown: return say(Verdict::not_checked, plan_.demand.why);
    }
  }

 private:
  void say(Verdict verdict, std::string_view why) {
    out_.verdict = verdict;
    out_.why = base::printable(why);
  }
  void refuse(std::string_view why) { say(Verdict::refused, why); }

  /// Whether TLS came about; if not, that has been judged.
  bool has_tls() {
    if (const auto& trouble = report_.trouble) {
      const auto why = fmt::format("{}: {}", name_of(report_.reached), trouble->text);
      say(base::is_own_trouble(trouble->fault)   ? Verdict::not_tried
          : report_.reached == Stage::connecting ? Verdict::unreachable
                                                 : Verdict::refused,
          why);
      return false;
    }
    if (!report_.offers_starttls) refuse("it does not offer STARTTLS");
    return report_.offers_starttls;
  }

  void nothing() {
    const bool answers = report_.offers_starttls || !report_.trouble;
    if (answers || has_tls()) say(Verdict::accepted, "no policy asks for TLS");
  }

  void tls() {
    if (!has_tls()) return;
    say(Verdict::accepted, "any certificate will do");
  }

  void certificate() {
    const auto& shown = report_.certificate;
    const bool satisfies = shown && shown->distrust.empty() && !shown->matched.empty();
    if (!host_.allowed)
      return refuse(satisfies
                        ? fmt::format("no pattern of the policy matches the host; a Postfix before "
                                      "3.10.5 accepts it by its certificate for {}",
                                      shown->matched)
                        : "no pattern of the policy matches the host");
    if (!has_tls()) return;
    if (!shown->distrust.empty()) return refuse("certificate: " + shown->distrust);
    if (shown->matched.empty())
      return refuse(fmt::format("the certificate is valid for none of {}",
                                fmt::join(names_for(plan_, host_), ", ")));
    say(Verdict::accepted, "a trusted certificate for " + shown->matched);
  }

  void tlsa() {
    if (!host_.tlsa_known)
      return say(Verdict::not_checked,
                 "Postfix authenticates it by TLSA records, which are not known here");
    if (host_.tlsa.empty()) return refuse("it has no usable TLSA records: Postfix passes it over");
    if (!has_tls()) return;
    if (!report_.certificate->distrust.empty())
      return refuse("no TLSA record authenticates it: " + report_.certificate->distrust);
    say(Verdict::accepted, "a TLSA record authenticates its certificate");
  }

  const ProbePlan& plan_;
  const ProbePlan::Host& host_;
  MxProbe& out_;
  const net::SmtpProbeReport& report_;
};

}  // namespace

ProbePlan plan_probes(const Explanation& of) {
  ProbePlan plan;
  plan.domain = of.domain;
  plan.demand = demand_of(of);
  if (const auto next_hop = postfix::parse_next_hop(of.key)) plan.port = next_hop->port;
  const bool by_patterns = of.by_operator.empty();
  for (const auto& mx : of.mx_verdicts) {
    if (plan.hosts.size() == ProbePlan::kMaxHosts) {
      plan.left_out.push_back(mx.host);
      continue;
    }
    ProbePlan::Host host{mx.host, !by_patterns || !mx.pattern.empty(), false, {}};
    if (of.gate) tell_tlsa(*of.gate, plan.port, host);
    plan.hosts.push_back(std::move(host));
  }
  return plan;
}

base::Result<net::SmtpProbeRequest> request_for(const ProbePlan& plan, const ProbePlan::Host& host,
                                                const std::string& our_name) {
  auto name = base::DomainName::parse(host.name);
  if (!name) return name.error();
  const bool by_tlsa = plan.demand.kind == Demand::Kind::tlsa;
  return net::SmtpProbeRequest{.host = std::move(*name),
                               .port = plan.port,
                               .names = names_for(plan, host),
                               .tlsa = by_tlsa ? host.tlsa : std::vector<net::TlsaRecord>(),
                               .our_name = our_name};
}

MxProbe judge_probe(const ProbePlan& plan, const ProbePlan::Host& host,
                    net::SmtpProbeReport report) {
  MxProbe probe;
  probe.host = host.name;
  probe.report = std::move(report);
  probe.binding = plan.demand.binding;
  Judge(plan, host, probe).judge();
  return probe;
}

MxProbe not_tried(const ProbePlan& plan, const std::string& host, std::string_view why) {
  return {.host = host,
          .report = {},
          .verdict = Verdict::not_tried,
          .why = base::printable(why),
          .binding = plan.demand.binding};
}

bool is_cut_off(const std::vector<MxProbe>& probes) {
  return std::none_of(probes.begin(), probes.end(), is_reached) &&
         std::any_of(probes.begin(), probes.end(), [](const MxProbe& probe) {
           return probe.report.trouble && probe.report.reached == Stage::connecting;
         });
}

Outcome outcome_after(Outcome before, const std::vector<MxProbe>& probes) {
  const auto any = [&](Verdict verdict) {
    return std::any_of(probes.begin(), probes.end(),
                       [&](const MxProbe& probe) { return probe.verdict == verdict; });
  };
  if (before != Outcome::guarded || probes.empty()) return before;
  if (any(Verdict::accepted) || any(Verdict::not_checked)) return before;
  return any(Verdict::not_tried) || is_cut_off(probes) ? Outcome::unknown : Outcome::deferred;
}

std::string_view describe(const MxProbe& probe) {
  switch (probe.verdict) {
    case Verdict::accepted:
      return probe.binding ? "would be accepted" : "would be accepted if the policy were enforced";
    case Verdict::refused:
      return probe.binding ? "would be refused" : "would be refused if the policy were enforced";
    case Verdict::unreachable: return "could not be reached from here";
    case Verdict::not_tried: return "not tried";
    case Verdict::not_checked: break;
  }
  return "not checked";
}

std::string_view word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted: return "accepted";
    case Verdict::refused: return "refused";
    case Verdict::unreachable: return "unreachable";
    case Verdict::not_tried: return "not-tried";
    case Verdict::not_checked: break;
  }
  return "not-checked";
}

}  // namespace tlspolicyd::explain
