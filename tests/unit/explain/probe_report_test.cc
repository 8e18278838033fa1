#include "explain/probe_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace tlspolicyd;
using namespace tlspolicyd::explain;
using nlohmann::json;
using Stage = net::SmtpProbeReport::Stage;
using Verdict = MxProbe::Verdict;

namespace {

const std::string kText = "next-hop   a.test\nresult     protected: x\n";

ProbePlan plan() {
  ProbePlan plan;
  plan.port = 587;
  return plan;
}

MxProbe unreachable() {
  MxProbe probe;
  probe.host = "mx.a.test";
  probe.report.reached = Stage::connecting;
  probe.report.trouble = base::Error{base::Fault::connect, "timed out"};
  probe.verdict = Verdict::unreachable;
  probe.why = "connection: timed out";
  return probe;
}

}  // namespace

TEST_CASE("where nobody can be reached the domain is not blamed, and there is a hint") {
  const std::vector<MxProbe> probes{unreachable(), not_tried(plan(), "mx9.a.test", "enough")};
  CHECK(with_probes(kText, plan(), probes, Outcome::guarded, Outcome::unknown) ==
        "next-hop   a.test\n"
        "connect    mx.a.test: no connection (0 ms)\n"
        "           could not be reached from here: connection: timed out\n"
        "connect    mx9.a.test: not tried: enough\n"
        "hint       no MX host could be reached: is port 587 open outwards from this machine?\n"
        "result     could not be told now: no MX host could be reached from here\n");
  json document{{"result", "protected"}};
  add_probes(document, plan(), probes, Outcome::unknown);
  CHECK(document["result"] == "unknown");
  CHECK(document["hint"].get<std::string>().find("port 587") != std::string::npos);
  CHECK(document["connect"][0]["verdict"] == "unreachable");
  CHECK(document["connect"][1]["verdict"] == "not-tried");
}

TEST_CASE("what failed at other addresses of the host is reported, for people and in JSON") {
  auto probe = unreachable();
  probe.report.others = {"192.0.2.1:25: greeting: the host says 554 no", "connection: x"};
  const auto text = with_probes(kText, plan(), {probe}, Outcome::guarded, Outcome::guarded);
  CAPTURE(text);
  CHECK(
      text.find("           another address failed: 192.0.2.1:25: greeting: the host says 554 no\n"
                "           another address failed: connection: x\n"
                "           could not be reached from here") != std::string::npos);
  json document;
  add_probes(document, plan(), {probe}, Outcome::guarded);
  CHECK(document["connect"][0]["other_addresses"] == json(probe.report.others));
}

TEST_CASE("a result that stays is said as before, one that changes says why") {
  CHECK(with_probes(kText, plan(), {}, Outcome::guarded, Outcome::guarded) ==
        "next-hop   a.test\nconnect    there are no MX hosts\nresult     protected: x\n");
  CHECK(with_probes(kText, plan(), {}, Outcome::guarded, Outcome::deferred)
            .ends_with("\nresult     deferred: no MX host would be accepted\n"));
}

TEST_CASE("what the host wrote is printed without what a terminal would obey") {
  auto probe = unreachable();
  probe.report.certificate = net::SmtpCertificate{};
  probe.report.certificate->subject = "CN=\x1b[2J";
  probe.report.certificate->names = {"a\nb"};
  json document;
  add_probes(document, plan(), {probe}, Outcome::guarded);
  for (const auto& text : {with_probes(kText, plan(), {probe}, Outcome::guarded, Outcome::guarded),
                           document.dump(2)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("a\nb") == std::string::npos);
    CHECK(text.find("timed out") != std::string::npos);
  }
}
