#include "explain/probe_report.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "explain/labelled_lines.h"

namespace tlspolicyd::explain {
namespace {

using base::printable;
using nlohmann::json;

/// What to look at where nobody could be reached, "" elsewhere.
std::string hint(const ProbePlan& plan, const std::vector<MxProbe>& probes) {
  if (!is_cut_off(probes)) return "";
  return fmt::format("no MX host could be reached: is port {} open outwards from this machine?",
                     plan.port);
}

void write_probe(LabelledLines& text, const MxProbe& probe) {
  const auto& report = probe.report;
  if (probe.verdict == MxProbe::Verdict::not_tried) {
    text.line("connect", "{}: {}: {}", probe.host, describe(probe), probe.why);
    return;
  }
  text.line("connect", "{}:{}{}{} ({} ms)", probe.host,
            report.address.empty() ? " no connection" : " " + report.address,
            report.offers_starttls ? ", offers STARTTLS" : "",
            report.tls_version.empty() ? "" : ", " + report.tls_version, report.took.count());
  if (const auto& shown = report.certificate) {
    text.line("", "certificate {} by {}, until {}", printable(shown->subject, 200),
              printable(shown->issuer, 200), printable(shown->not_after));
    std::string names;
    for (const auto& name : shown->names) names += " " + printable(name, 253);
    text.line("", "its names:{}", names.empty() ? " none" : names);
  }
  for (const auto& other : report.others) text.line("", "another address failed: {}", other);
  text.line("", "{}: {}", describe(probe), probe.why);
}

json probe_json(const MxProbe& probe) {
  const auto& report = probe.report;
  json out{{"name", probe.host},
           {"verdict", word_of(probe.verdict)},
           {"why", probe.why},
           {"binding", probe.binding},
           {"address", report.address},
           {"other_addresses", report.others},
           {"starttls", report.offers_starttls},
           {"reached", name_of(report.reached)},
           {"ms", report.took.count()}};
  if (report.trouble)
    out["trouble"] = {{"fault", name_of(report.trouble->fault)}, {"why", report.trouble->text}};
  if (!report.certificate) return out;
  const auto& shown = *report.certificate;
  out["tls"] = report.tls_version;
  out["certificate"] = {
      {"subject", printable(shown.subject)},     {"issuer", printable(shown.issuer)},
      {"not_after", printable(shown.not_after)}, {"names", json::array()},
      {"distrust", printable(shown.distrust)},   {"matches", printable(shown.matched)}};
  for (const auto& name : shown.names) out["certificate"]["names"].push_back(printable(name));
  return out;
}

}  // namespace

std::string with_probes(std::string text, const ProbePlan& plan, const std::vector<MxProbe>& probes,
                        Outcome before, Outcome after) {
  LabelledLines more;
  for (const auto& probe : probes) write_probe(more, probe);
  if (probes.empty()) more.line("connect", "there are no MX hosts");
  const auto hinted = hint(plan, probes);
  if (!hinted.empty()) more.line("hint", "{}", hinted);
  const auto last = text.rfind('\n', text.size() - 2) + 1;
  if (after != before) {
    text.resize(last);
    if (after == Outcome::deferred) {
      more.line("result", "deferred: no MX host would be accepted");
    } else {
      more.line("result", "{}: {}", describe(after),
                hinted.empty() ? "no MX host that was tried would be accepted"
                               : "no MX host could be reached from here");
    }
    return text + more.take();
  }
  return text.insert(last, more.take());
}

void add_probes(json& document, const ProbePlan& plan, const std::vector<MxProbe>& probes,
                Outcome after) {
  document["connect"] = json::array();
  for (const auto& probe : probes) document["connect"].push_back(probe_json(probe));
  document["result"] = word_of(after);
  if (const auto hinted = hint(plan, probes); !hinted.empty()) document["hint"] = hinted;
}

}  // namespace tlspolicyd::explain
