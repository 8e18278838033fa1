#include "explain/mx_probe.h"

#include <doctest/doctest.h>

#include "explain/explanation.h"
#include "sts/policy_file.h"

using namespace tlspolicyd;
using namespace tlspolicyd::explain;
using base::Fault;
using net::SmtpProbeReport;
using Stage = SmtpProbeReport::Stage;
using Verdict = MxProbe::Verdict;

namespace {

/// An explanation with this reply, of a domain with two hosts, of which the policy allows mx1.
Explanation explained(const std::string& reply, const std::string& mode = "enforce") {
  Explanation of;
  of.key = of.domain = "example.org";
  of.policy = sts::parse_policy("version: STSv1\nmode: " + mode +
                                "\nmx: mx1.example.org\nmax_age: 86400\n");
  of.mx_verdicts = {{"mx1.example.org", "mx1.example.org"}, {"mx2.example.org", ""}};
  of.replies = {{"postfix", reply}, {"postfix-tlsrpt", "TEMP not looked at"}};
  return of;
}

const std::string kSecure = "OK secure match=mx1.example.org servername=hostname";

SmtpProbeReport with_certificate(const std::string& distrust, const std::string& matched) {
  SmtpProbeReport report;
  report.reached = Stage::done;
  report.offers_starttls = true;
  report.certificate = net::SmtpCertificate{};
  report.certificate->distrust = distrust;
  report.certificate->matched = matched;
  return report;
}

SmtpProbeReport stopped(Stage stage, const std::string& why) {
  SmtpProbeReport report;
  report.reached = stage;
  report.offers_starttls = stage > Stage::ehlo;
  report.trouble = base::Error{Fault::connect, why};
  return report;
}

SmtpProbeReport plain() {
  SmtpProbeReport report;
  report.reached = Stage::ehlo;
  return report;
}

MxProbe judged(const Explanation& of, SmtpProbeReport report, std::size_t host = 0) {
  const auto plan = plan_probes(of);
  return judge_probe(plan, plan.hosts.at(host), std::move(report));
}

std::vector<std::string> names_asked(const std::string& reply) {
  const auto plan = plan_probes(explained(reply));
  return request_for(plan, plan.hosts.front(), "here")->names;
}

Gate gate_with(const std::string& name, bool authenticated) {
  Gate gate;
  net::DnsAnswer answer;
  answer.kind = net::DnsAnswer::Kind::records;
  answer.authenticated = authenticated;
  answer.tlsa = {{3, 1, 1, std::vector<std::uint8_t>(32)},
                 {1, 0, 1, std::vector<std::uint8_t>(32)}};
  const net::DnsQuestion question{base::DomainName::parse(name).value(), net::RecordType::tlsa};
  auto& step = gate.tlsa.emplace_back(DnsStep{question, {}, {}});
  step.outcome = answer;
  return gate;
}

}  // namespace

TEST_CASE("S37 B-9 an enforced policy: what a host shows, and the verdict") {
  struct Row {
    SmtpProbeReport report;
    Verdict verdict;
    const char* why;
  };
  const Row rows[] = {
      {with_certificate("", "mx1.example.org"), Verdict::accepted,
       "a trusted certificate for mx1.example.org"},
      {with_certificate("", ""), Verdict::refused,
       "the certificate is valid for none of mx1.example.org"},
      {with_certificate("certificate has expired", "mx1.example.org"), Verdict::refused,
       "certificate: certificate has expired"},
      {plain(), Verdict::refused, "it does not offer STARTTLS"},
      {stopped(Stage::greeting, "not done within 10 s"), Verdict::refused,
       "greeting: not done within 10 s"},
      {stopped(Stage::handshake, "no shared cipher"), Verdict::refused,
       "TLS handshake: no shared cipher"},
  };
  for (const auto& row : rows) {
    const auto probe = judged(explained(kSecure), row.report);
    CAPTURE(row.why);
    CHECK(probe.host == "mx1.example.org");
    CHECK(probe.verdict == row.verdict);
    CHECK(probe.why == row.why);
    CHECK(describe(probe) ==
          (row.verdict == Verdict::accepted ? "would be accepted" : "would be refused"));
  }
}

TEST_CASE("S35 a host that is not in the policy is refused, whatever it shows") {
  for (const auto& report : {with_certificate("", ""), plain(), stopped(Stage::ehlo, "x")}) {
    const auto probe = judged(explained(kSecure), report, 1);
    CHECK(probe.verdict == Verdict::refused);
    CHECK(probe.why == "no pattern of the policy matches the host");
  }
  CHECK(judged(explained(kSecure), with_certificate("", "mx1.example.org"), 1).why ==
        "no pattern of the policy matches the host; a Postfix before 3.10.5 accepts it by its "
        "certificate for mx1.example.org");
}

TEST_CASE("S39 a policy that is tested: what enforce would do, and that it does not bind") {
  const auto of = explained("NOTFOUND ", "testing");
  CHECK(plan_probes(of).demand.names == std::vector<std::string>{"mx1.example.org"});
  const auto probe = judged(of, plain());
  CHECK(probe.verdict == Verdict::refused);
  CHECK(describe(probe) == "would be refused if the policy were enforced");
}

TEST_CASE("decision 5: without a policy TLS is not asked for, an answering host is") {
  for (const auto& of : {explained("NOTFOUND ", "none"), explained("OK may")}) {
    CHECK(judged(of, plain()).verdict == Verdict::accepted);
    CHECK(judged(of, stopped(Stage::handshake, "x")).verdict == Verdict::accepted);
    CHECK(judged(of, stopped(Stage::connecting, "x")).verdict == Verdict::unreachable);
    CHECK(judged(of, stopped(Stage::greeting, "x")).verdict == Verdict::refused);
  }
}

TEST_CASE("D9 dane-only: TLSA records decide, of a host that has usable ones") {
  auto of = explained("OK dane-only");
  SUBCASE("not known") {
    CHECK(judged(of, with_certificate("", "mx1.example.org")).verdict == Verdict::not_checked);
  }
  SUBCASE("known") {
    of.gate = gate_with("_25._tcp.mx1.example.org", true);
    const auto plan = plan_probes(of);
    // PKIX-EE is of no use for mail.
    CHECK(request_for(plan, plan.hosts[0], "here")->tlsa.size() == 1);
    CHECK(judged(of, with_certificate("", "")).verdict == Verdict::accepted);
    CHECK(judged(of, with_certificate("no match", "mx1.example.org")).verdict == Verdict::refused);
    CHECK(judged(of, plain()).why == "it does not offer STARTTLS");
  }
  SUBCASE("not signed, or of another port") {
    of.gate = gate_with("_25._tcp.mx1.example.org", false);
    CHECK(judged(of, with_certificate("", "")).why.find("no usable TLSA") != std::string::npos);
    of.gate = gate_with("_587._tcp.mx1.example.org", true);
    CHECK(judged(of, with_certificate("", "")).verdict == Verdict::not_checked);
    of.gate->hosts = {{"mx1.example.org", dane::HostState::none, ""}};
    CHECK(judged(of, with_certificate("", "")).verdict == Verdict::refused);
  }
}

TEST_CASE("D9 an enforced policy without DANE asks for no TLSA record") {
  auto of = explained(kSecure);
  of.gate = gate_with("_25._tcp.mx1.example.org", true);
  const auto plan = plan_probes(of);
  CHECK(request_for(plan, plan.hosts[0], "here")->tlsa.empty());
}

TEST_CASE("smtp_tls_policy_maps in postconf(5): the operator's own policies") {
  using Names = std::vector<std::string>;
  CHECK(names_asked("OK secure") == Names{"example.org", ".example.org"});
  CHECK(names_asked("OK verify") == Names{"mx1.example.org"});
  CHECK(names_asked("OK secure match=.example.net:nexthop") ==
        Names{".example.net", "example.org"});
  auto of = explained("OK secure match=mx.partner.example");
  of.by_operator = "domains: example.org";
  CHECK(judged(of, with_certificate("", "mx.partner.example"), 1).verdict == Verdict::accepted);
  CHECK(judged(explained("OK encrypt"), with_certificate("self-signed", "")).verdict ==
        Verdict::accepted);
  CHECK(judged(explained("OK encrypt"), plain()).verdict == Verdict::refused);
  CHECK(judged(explained("OK fingerprint match=3D"), plain()).verdict == Verdict::not_checked);
}

TEST_CASE("an answer that is not known: no verdict, but why") {
  const auto probe = judged(explained("TEMP example.org: SERVFAIL"), plain());
  CHECK(probe.verdict == Verdict::not_checked);
  CHECK(probe.why == "the answer is TEMP example.org: SERVFAIL");
}

TEST_CASE(
    "which hosts: by preference, at the port of the next-hop, not more than there is sense in") {
  auto of = explained(kSecure);
  of.key = "[example.org]:587";
  CHECK(plan_probes(of).port == 587);
  of.mx_verdicts.assign(20, {"mx1.example.org", "mx1.example.org"});
  CHECK(plan_probes(of).hosts.size() == ProbePlan::kMaxHosts);
  CHECK(plan_probes(of).left_out.size() == 4);
  CHECK(plan_probes(Explanation{}).hosts.empty());
}

TEST_CASE("a host that cannot be reached is told as such, and own trouble as not tried") {
  const auto probe = judged(explained(kSecure), stopped(Stage::connecting, "Connection refused"));
  CHECK(probe.verdict == Verdict::unreachable);
  CHECK(probe.why == "connection: Connection refused");
  CHECK(describe(probe) == "could not be reached from here");
  auto dead = stopped(Stage::looking_up, "no name server can be reached");
  dead.trouble->fault = Fault::dns_unreachable;
  CHECK(judged(explained(kSecure), dead).verdict == Verdict::not_tried);
  // A name without address is the domain's own doing.
  CHECK(judged(explained(kSecure), stopped(Stage::looking_up, "no such name")).verdict ==
        Verdict::refused);
}

TEST_CASE("what becomes of a protected domain by what its hosts showed") {
  const auto of = explained(kSecure);
  const auto good = judged(of, with_certificate("", "mx1.example.org"));
  const auto bad = judged(of, with_certificate("expired", "mx1.example.org"));
  const auto away = judged(of, stopped(Stage::connecting, "timed out"));
  const auto mute = judged(of, stopped(Stage::greeting, "not done within 10 s"));
  const auto nameless = judged(of, stopped(Stage::looking_up, "no such name"));
  const auto strange_away = judged(of, stopped(Stage::connecting, "timed out"), 1);
  const auto left = not_tried(plan_probes(of), "mx9.example.org", "more than 16 hosts");
  const auto open = judged(explained("OK fingerprint match=3D"), plain());
  struct Row {
    const char* what;
    std::vector<MxProbe> probes;
    Outcome outcome;
    bool cut_off;
  };
  const Row rows[] = {
      {"nobody to ask", {}, Outcome::guarded, false},
      {"one of two serves", {away, good}, Outcome::guarded, false},
      {"nobody knows by what to judge", {open}, Outcome::guarded, false},
      {"none can be reached from here", {away, away}, Outcome::unknown, true},
      {"nor one that is not in the policy", {away, strange_away}, Outcome::unknown, true},
      {"nor one without address", {away, nameless}, Outcome::unknown, true},
      {"one can be, and would be refused", {away, bad}, Outcome::deferred, false},
      {"one takes the connection and says nothing", {away, mute}, Outcome::deferred, false},
      {"none has an address", {nameless}, Outcome::deferred, false},
      {"some were not tried", {bad, left}, Outcome::unknown, false}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(outcome_after(Outcome::guarded, row.probes) == row.outcome);
    CHECK(is_cut_off(row.probes) == row.cut_off);
    // What is not protected, or waits anyhow, is so whatever the hosts show.
    CHECK(outcome_after(Outcome::unprotected, row.probes) == Outcome::unprotected);
    CHECK(outcome_after(Outcome::deferred, row.probes) == Outcome::deferred);
  }
}
