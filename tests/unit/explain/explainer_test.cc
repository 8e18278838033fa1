#include "explain/explainer.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "fakes/fake_network.h"
#include "fakes/fake_time.h"
#include "fakes/fake_web.h"

using namespace tlspolicyd;
using base::Fault;
using base::seconds;
using explain::Outcome;
using net::RecordType;

namespace {

struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};

  World() {
    net::DnsAnswer root;
    root.kind = net::DnsAnswer::Kind::records;
    root.authenticated = true;
    network.set_dns({"", RecordType::ns}, {.outcome = root});
  }

  /// A domain that enforces, with one signed MX host without TLSA records.
  void publish(const std::string& domain) {
    auto txt = records();
    txt.txt = {"v=STSv1; id=1;"};
    network.set_dns({"_mta-sts." + domain, RecordType::txt}, {.outcome = txt});
    auto mx = records();
    mx.authenticated = true;
    mx.mx = {{10, "mx." + domain}};
    network.set_dns({domain, RecordType::mx}, {.outcome = mx});
    auto address = records();
    address.authenticated = true;
    address.canonical_name = "mx." + domain;
    address.addresses = {base::Address::parse("192.31.196.25").value()};
    network.set_dns({"mx." + domain, RecordType::a}, {.outcome = address});
    net::HttpsReply reply;
    reply.status = 200;
    reply.media_type = "text/plain";
    reply.body = "version: STSv1\nmode: enforce\nmx: mx." + domain + "\nmax_age: 86400\n";
    network.set_https("mta-sts." + domain, {.outcome = reply});
  }

  service::Inquiry::Settings inquiry{.patience = {seconds{10}, seconds{30}},
                                     .defer_on_dns_error = false};

  explain::Explanation explain(const std::string& key) {
    std::optional<explain::Explanation> found;
    const explain::Explainer work(
        {network, [this](net::Resolver&) { return std::make_unique<fakes::FakeWeb>(network); },
         time, time},
        {.dane = {}, .inquiry = inquiry, .allow_addresses = {}}, key,
        [&](explain::Explanation told) { found = std::move(told); });
    CHECK_FALSE(found);
    REQUIRE(time.pass_until(seconds{120}, [&] { return found.has_value(); }));
    return *found;
  }

  static net::DnsAnswer records() {
    net::DnsAnswer answer;
    answer.kind = net::DnsAnswer::Kind::records;
    answer.ttl = seconds{300};
    return answer;
  }
};

}  // namespace

TEST_CASE("decision 23: every step that led to the answer, and the reply in each profile") {
  World world;
  world.publish("a.test");
  const auto told = world.explain("A.test");
  CHECK(told.domain == "a.test");
  REQUIRE(told.record);
  CHECK(told.record->id == "1");
  REQUIRE(told.https);
  CHECK(told.https->asked.host.text() == "mta-sts.a.test");
  REQUIRE(told.policy);
  REQUIRE(told.policy->ok());
  REQUIRE(told.mx_verdicts.size() == 1);
  CHECK(told.mx_verdicts[0].pattern == "mx.a.test");
  REQUIRE(told.gate);
  CHECK(told.gate->why_not.empty());
  REQUIRE(told.gate->hosts.size() == 1);
  CHECK(told.gate->hosts[0].state == dane::HostState::none);
  REQUIRE(told.replies.size() == 2);
  CHECK(told.replies[0].text == "OK secure match=mx.a.test servername=hostname");
  CHECK(told.replies[1].map == "postfix-tlsrpt");
  CHECK(told.outcome == Outcome::guarded);
  // Both profiles share the look-ups.
  CHECK(world.network.dns_questions({"_mta-sts.a.test", RecordType::txt}) == 1);
  CHECK(world.network.dns_questions({"a.test", RecordType::mx}) == 1);
  CHECK(world.network.https_requests() == 1);
}

TEST_CASE("decision 23: what becomes of the mail") {
  World world;
  world.publish("a.test");
  SUBCASE("D11 a host's TLSA record cannot be looked up: deferred, and which") {
    world.network.set_dns({"_25._tcp.mx.a.test", RecordType::tlsa},
                          {.outcome = base::Error{Fault::dns_failed, "SERVFAIL for TLSA"}});
    const auto told = world.explain("a.test");
    CHECK(told.outcome == Outcome::deferred);
    REQUIRE(told.gate);
    CHECK(told.gate->verdict.find("mx.a.test: SERVFAIL for TLSA") != std::string::npos);
    REQUIRE(told.gate->tlsa.size() == 1);
  }
  SUBCASE("no MX host is in the policy: deferred") {
    auto mx = World::records();
    mx.mx = {{10, "mx.elsewhere.test"}};
    world.network.set_dns({"a.test", RecordType::mx}, {.outcome = mx});
    CHECK(world.explain("a.test").outcome == Outcome::deferred);
  }
  SUBCASE("own trouble: nobody knows") {
    world.network.set_dns({"_mta-sts.a.test", RecordType::txt},
                          {.outcome = base::Error{Fault::dns_unreachable, "no name server"}});
    const auto told = world.explain("a.test");
    CHECK(told.outcome == Outcome::unknown);
    CHECK(told.replies[0].text == "TEMP a.test: no name server");
  }
  SUBCASE("others' TXT record cannot be looked up: not found, but nobody knows") {
    world.network.set_dns({"_mta-sts.a.test", RecordType::txt},
                          {.outcome = base::Error{Fault::dns_failed, "SERVFAIL"}});
    const auto told = world.explain("a.test");
    CHECK(told.outcome == Outcome::unknown);
    CHECK(told.replies[0].text == "NOTFOUND ");
  }
  SUBCASE("the policy host is silent: nobody knows, the step has no outcome") {
    world.network.set_https("mta-sts.a.test", {.outcome = {}});
    const auto told = world.explain("a.test");
    CHECK(told.outcome == Outcome::unknown);
    REQUIRE(told.https);
    CHECK_FALSE(told.https->outcome);
  }
  SUBCASE("no policy: unprotected, and DANE is not looked at") {
    const auto told = world.explain("nobody.test");
    CHECK(told.outcome == Outcome::unprotected);
    CHECK_FALSE(told.gate);
    CHECK(world.network.dns_questions({"nobody.test", RecordType::mx}) == 0);
  }
  SUBCASE("no domain: unprotected, without any traffic") {
    const auto before = world.network.dns_questions();
    const auto told = world.explain(".a.test");
    CHECK(told.outcome == Outcome::unprotected);
    CHECK(told.domain == "");
    CHECK(told.no_domain != "");
    CHECK(world.network.dns_questions() == before);
  }
}

TEST_CASE("decision 23: a TEMP is told as whose it is: never as DANE's where DANE was not asked") {
  World world;
  struct Row {
    const char* line;
    const char* result;
    const char* cause;
    Outcome outcome;
  };
  Row row{};
  SUBCASE("decision 13: pinned, and the domain has published nothing") {
    world.inquiry.pinned = {"a.test"};
    row = {
        "\noperator   the configuration says that there must be a policy: a.test: pinned, and not "
        "known: no MTA-STS record\n",
        "\nresult     deferred: mail waits until a policy is known, since the domain is pinned\n",
        "\"cause\": \"pinned\"", Outcome::deferred};
  }
  SUBCASE("decision 11: no name server is there") {
    world.network.set_dns({"_mta-sts.a.test", RecordType::txt},
                          {.outcome = base::Error{Fault::dns_unreachable, "no name server"}});
    row = {"\ntrouble    our own, not the domain's: a.test: no name server [own-trouble]\n",
           "\nresult     could not be told now: the trouble is ours, and mail waits until it is "
           "over\n",
           "\"cause\": \"own-trouble\"", Outcome::unknown};
  }
  SUBCASE("decision 11: the same of a domain that is pinned") {
    world.inquiry.pinned = {"a.test"};
    world.network.set_dns({"_mta-sts.a.test", RecordType::txt},
                          {.outcome = base::Error{Fault::dns_unreachable, "no name server"}});
    row = {"\ntrouble    our own, not the domain's: a.test: no name server [own-trouble]\n",
           "\nresult     could not be told now: the trouble is ours, and mail waits until it is "
           "over\n",
           "\"cause\": \"own-trouble\"", Outcome::unknown};
  }
  const auto told = world.explain("a.test");
  CHECK(told.outcome == row.outcome);
  CHECK_FALSE(told.gate);
  const auto text = as_text(told);
  CAPTURE(text);
  CHECK(text.find("\nDANE ") == std::string::npos);
  CHECK(text.find(row.line) != std::string::npos);
  CHECK(text.find(row.result) != std::string::npos);
  CHECK(as_json(told).find(row.cause) != std::string::npos);
}

TEST_CASE("decision 23: MX records that cannot be looked up are no matter of DANE") {
  World world;
  world.publish("a.test");
  world.network.set_dns({"a.test", RecordType::mx},
                        {.outcome = base::Error{Fault::dns_failed, "SERVFAIL for MX"}});
  const auto told = world.explain("a.test");
  CHECK(told.outcome == Outcome::deferred);
  CHECK_FALSE(told.gate);
  CHECK_FALSE(told.withheld);
  CHECK(as_text(told).find("\nMX         failed: SERVFAIL for MX") != std::string::npos);
}

TEST_CASE("F17: of a thousand TXT records 64 are listed, the one that counts is named") {
  World world;
  world.publish("a.test");
  auto txt = World::records();
  for (int i = 0; i < 1000; ++i) txt.txt.push_back("noise");
  txt.txt.emplace_back("v=STSv1; id=7;");
  world.network.set_dns({"_mta-sts.a.test", RecordType::txt}, {.outcome = txt});
  const auto text = as_text(world.explain("a.test"));
  CAPTURE(text);
  std::size_t listed = 0;
  for (auto at = text.find("\"noise\""); at != text.npos; at = text.find("\"noise\"", at + 1))
    ++listed;
  CHECK(listed == 64);
  CHECK(text.find("1001 record(s)") != text.npos);
  CHECK(text.find("and 937 more") != text.npos);
  CHECK(text.find("valid, id 7") != text.npos);
}

TEST_CASE("decision 23: the resolver does not validate: the gate is off, and that is said") {
  World world;
  world.publish("a.test");
  world.network.set_dns({"", RecordType::ns}, {.outcome = World::records()});
  const auto told = world.explain("a.test");
  REQUIRE(told.gate);
  CHECK(told.gate->why_not.find("does not validate") != std::string::npos);
  CHECK(told.outcome == Outcome::guarded);
}

TEST_CASE("decision 23: nobody hears whether the resolver validates: two seconds, then on") {
  World world;
  world.publish("a.test");
  world.network.set_dns({"", RecordType::ns}, {.outcome = {}});
  CHECK(world.explain("a.test").outcome == Outcome::guarded);
}
