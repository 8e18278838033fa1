#include "postfix/delegation_session.h"

#include <doctest/doctest.h>

#include "fakes/fake_service.h"
#include "fakes/publish.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;
using Kind = Session::Step::Kind;

namespace {

struct World : fakes::FakeService {
  DelegationRules rules{DelegationRules::Action::reject, ""};
  DelegationTally tally;
  std::string overruled;
  DelegationSession session{service, time, rules,
                            [this](std::string_view domain) { return domain == overruled; }, tally};

  /// The reply to one request, "" if there is none within `patience`.
  std::string ask(const std::string& recipient, const std::string& state = "RCPT",
                  base::milliseconds patience = base::seconds{1}) {
    const auto request = "request=smtpd_access_policy\nprotocol_state=" + state +
                         "\nrecipient=" + recipient + "\n\n";
    std::string out;
    const auto step =
        session.serve(request, out, [&](std::string_view reply) { out = std::string(reply); });
    CHECK(step.consumed == request.size());
    time.pass(patience);
    return out;
  }
};

}  // namespace

TEST_CASE("decision 22: DUNNO, and the policy is known when the message is delivered") {
  World world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  CHECK(world.ask("Bob@A.test") == kDunno);
  CHECK(world.network.https_requests("mta-sts.a.test") == 1);
  const auto* record = world.book.find("a.test");
  REQUIRE(record);
  CHECK(record->entry.stored);
}

TEST_CASE("decision 22: the policy allows none of the MX hosts: the operator's action, twice") {
  World world;
  fakes::publish(world.network, "a.test", "mx.elsewhere.test");
  for (const char* how : {"live", "settled"}) {
    CAPTURE(how);
    CHECK(world.ask("bob@a.test").find("action=550 5.7.5 a.test publishes an MTA-STS policy") == 0);
  }
  world.rules.action = DelegationRules::Action::dunno;
  CHECK(world.ask("bob@a.test") == kDunno);
}

TEST_CASE("decisions 13, 22: the operator's word for a domain is the last one here, too") {
  World world;
  fakes::publish(world.network, "a.test", "mx.elsewhere.test");
  CHECK(world.ask("bob@a.test").find("action=550") == 0);
  world.overruled = "a.test";
  CHECK(world.ask("bob@a.test") == kDunno);
  world.overruled = "";
  CHECK(world.ask("bob@a.test").find("action=550") == 0);
  // Also if it comes while the question waits.
  fakes::publish(world.network, "b.test", "mx.elsewhere.test");
  std::string out;
  const std::string request =
      "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=bob@b.test\n\n";
  const auto step =
      world.session.serve(request, out, [&](std::string_view reply) { out = std::string(reply); });
  REQUIRE(step.kind == Kind::waiting);
  world.overruled = "b.test";
  world.time.pass(base::seconds{1});
  CHECK(out == kDunno);
}

TEST_CASE("decision 22: no policy, no domain, another state: DUNNO, without more traffic") {
  World world;
  CHECK(world.ask("bob@nobody.test") == kDunno);
  const auto before = world.network.dns_questions();
  for (const char* recipient : {"", "bob", "bob@", "bob@[192.0.2.1]", "bob@localhost",
                                "bob@.a.test", "bob@nobody.test", "@nobody.test"})
    CHECK(world.ask(recipient) == kDunno);
  CHECK(world.ask("bob@other.test", "DATA") == kDunno);
  CHECK(world.ask("bob@other.test", "") == kDunno);
  CHECK(world.network.dns_questions() == before);
}

TEST_CASE("decision 22: trouble of any kind is DUNNO") {
  World world;
  SUBCASE("our own") {
    world.network.set_dns({"_mta-sts.a.test", net::RecordType::txt},
                          {.outcome = base::Error{base::Fault::dns_unreachable, "dead"}});
    CHECK(world.ask("bob@a.test") == kDunno);
  }
  SUBCASE("MX look-up") {
    fakes::publish(world.network, "a.test", "mx.a.test");
    world.network.set_dns({"a.test", net::RecordType::mx},
                          {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL"}});
    CHECK(world.ask("bob@a.test") == kDunno);
  }
  SUBCASE("what is no request: DUNNO, and the end") {
    std::string out;
    CHECK(world.session.serve("GET / HTTP/1.1\n", out, [](auto) {}).kind == Kind::over);
    CHECK(out == kDunno);
    out.clear();
    CHECK(world.session.serve(std::string(Session::kLongestRequest, 'x'), out, [](auto) {}).kind ==
          Kind::over);
    CHECK(out == kDunno);
  }
}

TEST_CASE("decision 22: nobody waits longer than five seconds for RCPT TO; the look-up goes on") {
  World world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  world.network.set_https("mta-sts.a.test", {.outcome = {}});
  CHECK(world.ask("bob@a.test", "RCPT", base::milliseconds{4900}) == "");
  CHECK(world.ask("bob@b.test", "RCPT") == kDunno);
  CHECK(world.ask("bob@a.test", "RCPT", base::milliseconds{5100}) == kDunno);
}

TEST_CASE("decision 22: a client that leaves takes nothing with it") {
  World world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  std::string out;
  {
    const auto step = world.session.serve(
        "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=b@a.test\n\n", out,
        [&](std::string_view reply) { out = std::string(reply); });
    CHECK(step.kind == Kind::waiting);
  }
  world.time.pass(base::seconds{10});
  CHECK(out == "");
  CHECK(world.book.find("a.test")->entry.stored);
}

TEST_CASE("answers are counted by what was said; those without a decision by why there was none") {
  World world;
  fakes::publish(world.network, "elsewhere.test", "mx.elsewhere.invalid");
  fakes::publish(world.network, "slow.test", "mx.slow.test");
  world.network.set_https("mta-sts.slow.test", {.outcome = {}});
  const auto count = [&](DelegationRules::Action action) {
    return world.tally.answers[static_cast<std::size_t>(action)];
  };
  world.ask("bob@nobody.test");
  world.ask("bob@nobody.test");
  CHECK(count(DelegationRules::Action::dunno) == 2);
  world.ask("bob@elsewhere.test");
  world.rules.action = DelegationRules::Action::warn;
  world.ask("bob@elsewhere.test");
  CHECK(count(DelegationRules::Action::reject) == 1);
  CHECK(count(DelegationRules::Action::warn) == 1);
  world.ask("bob@slow.test", "RCPT", DelegationSession::kPatience);
  std::string out;
  world.session.serve("GET / HTTP/1.1\n", out, [](auto) {});
  CHECK(count(DelegationRules::Action::dunno) == 4);
  CHECK(world.tally.late == 1);
  CHECK(world.tally.malformed == 1);
}
