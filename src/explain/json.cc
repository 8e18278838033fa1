#include <nlohmann/json.hpp>

#include "base/log.h"
#include "explain/explanation.h"
#include "explain/words.h"

namespace tlspolicyd::explain {
namespace {

using base::printable;
using nlohmann::json;

json failure_of(const base::Error& error) {
  return {{"fault", name_of(error.fault)}, {"why", error.text}};
}

/// What every step has: how long it took and, unless it succeeded, why not.
template <class Asked, class Told>
json begin(const Step<Asked, Told>& step) {
  if (!step.outcome) return {{"fault", "unfinished"}, {"why", "it was still under way"}};
  json out{{"ms", step.took.count()}};
  if (!step.outcome->ok()) out.update(failure_of(step.outcome->error()));
  return out;
}

json begin_dns(const DnsStep& step) {
  auto out = begin(step);
  if (!step.succeeded()) return out;
  out["authenticated"] = step.outcome->value().authenticated;
  out["ttl"] = step.outcome->value().ttl.count();
  return out;
}

json txt_json(const Explanation& of) {
  auto out = begin_dns(*of.txt);
  if (!of.txt->succeeded()) return out;
  out["verdict"] = word_of(of.record->verdict);
  for (const auto& record : of.txt->outcome->value().txt)
    out["records"].push_back(printable(record));
  if (of.record->id.empty()) {
    out["why"] = of.record->reason;
  } else {
    out["id"] = of.record->id;
  }
  return out;
}

json https_json(const Explanation& of) {
  auto out = begin(*of.https);
  out["host"] = of.https->asked.host.text();
  out["addresses"] = json::array();
  for (const auto& host : of.addresses)
    out["addresses"].push_back({{"address", host.address.text()}, {"refused", host.refused}});
  if (!of.https->succeeded()) return out;
  const auto& reply = of.https->outcome->value();
  out.update({{"status", reply.status},
              {"media_type", printable(reply.media_type)},
              {"size", reply.body.size()},
              {"address", reply.peer.address},
              {"tls", reply.peer.tls_version},
              {"subject", printable(reply.peer.subject)},
              {"issuer", printable(reply.peer.issuer)},
              {"not_after", reply.peer.not_after}});
  return out;
}

json mx_json(const Explanation& of) {
  json out = of.mx ? begin_dns(*of.mx) : json::object();
  out["hosts"] = json::array();
  for (const auto& mx : of.mx_verdicts)
    out["hosts"].push_back({{"name", mx.host}, {"pattern", mx.pattern}});
  return out;
}

json gate_json(const Gate& gate) {
  if (!gate.why_not.empty()) return {{"asked", false}, {"why", gate.why_not}};
  json out{{"asked", true}, {"verdict", gate.verdict}};
  out["hosts"] = json::array();
  for (const auto& host : gate.hosts) {
    json entry{{"name", host.host}, {"state", name_of(host.state)}};
    if (!host.why.empty()) entry["why"] = host.why;
    out["hosts"].push_back(std::move(entry));
  }
  out["tlsa"] = json::array();
  for (const auto& step : gate.tlsa) {
    auto entry = begin_dns(step);
    entry["name"] = step.asked.name.text();
    if (step.succeeded())
      for (const auto& record : step.outcome->value().tlsa)
        entry["records"].push_back({{"data", text_of(record)}, {"usable", is_usable(record)}});
    out["tlsa"].push_back(std::move(entry));
  }
  return out;
}

json cached_json(const Cached& cached) {
  if (!cached.policy) return nullptr;
  const auto& stored = *cached.policy;
  return {{"mode", name_of(stored.policy.mode)},
          {"id", stored.id},
          {"age", (cached.now - stored.fetched_at).count()},
          {"left", (stored.expires_at - cached.now).count()}};
}

}  // namespace

std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::guarded: return "protected";
    case Outcome::unprotected: return "unprotected";
    case Outcome::deferred: return "deferred";
    case Outcome::unknown: break;
  }
  return "unknown";
}

Outcome outcome_of(std::string_view word) {
  for (const auto outcome : {Outcome::guarded, Outcome::unprotected, Outcome::deferred})
    if (word == word_of(outcome)) return outcome;
  return Outcome::unknown;
}

std::string as_json(const Explanation& of) {
  json out{{"key", printable(of.key)}, {"result", word_of(of.outcome)}};
  if (of.domain.empty()) {
    out["why"] = of.no_domain;
  } else {
    out["domain"] = of.domain;
  }
  if (of.txt) out["txt"] = txt_json(of);
  if (of.https) out["https"] = https_json(of);
  if (of.policy && *of.policy) {
    out["policy"] = {{"lines", sts::policy_lines(**of.policy)}};
  } else if (of.policy) {
    out["policy"] = failure_of(of.policy->error());
  }
  if (of.mx || (of.policy && of.policy->ok())) out["mx"] = mx_json(of);
  if (of.gate) out["dane"] = gate_json(*of.gate);
  if (of.withheld)
    out["withheld"] = {{"cause", name_of(of.withheld->cause)}, {"why", of.withheld->why}};
  if (of.cached) out["cached"] = cached_json(*of.cached);
  if (!of.by_operator.empty()) out["by_operator"] = of.by_operator;
  for (const auto& reply : of.replies) out["replies"][reply.map] = reply.text;
  return out.dump(2) + "\n";
}

}  // namespace tlspolicyd::explain
