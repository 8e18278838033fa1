#include "postfix/responder.h"

#include <doctest/doctest.h>

#include "fakes/fake_service.h"
#include "fakes/publish.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;

namespace {

struct World : fakes::FakeService {
  Responder responder{service, {}, time, log};
  LastPolicy last;
};

using Kind = Responder::Response::Kind;

}  // namespace

TEST_CASE("requests without map name are malformed") {
  World world;
  for (const char* request : {"", " ", " example.org"}) {
    CAPTURE(request);
    std::string out;
    CHECK(world.responder.respond(request, world.last, out, [](auto) {}).kind == Kind::malformed);
    CHECK(out.empty());
  }
}

TEST_CASE("a map name without a key is NOTFOUND") {
  World world;
  for (const char* request : {"postfix", "postfix ", "QUERYwithTLSRPT", "dsn", "nobody-s"}) {
    CAPTURE(request);
    std::string out;
    CHECK(world.responder.respond(request, world.last, out, [](auto) {}).kind == Kind::answered);
    CHECK(out == "9:NOTFOUND ,");
  }
}

TEST_CASE("3.4 keys that are no next-hop are NOTFOUND at once, without traffic") {
  World world;
  for (const std::string& key :
       {std::string(), std::string("a b.test"), std::string("a\nb.test"),
        std::string("a\0b.test", 8), std::string(".example.org"), std::string("[192.0.2.1]"),
        std::string(5000, 'a'), std::string("a..b"), std::string("exa\x1bmple.org")}) {
    CAPTURE(key);
    std::string out;
    CHECK(world.responder.respond("postfix " + key, world.last, out, [](auto) {}).kind ==
          Kind::answered);
    CHECK(out == "9:NOTFOUND ,");
  }
  CHECK(world.network.dns_questions() == 0);
}

TEST_CASE("a question that must wait is answered later, by a netstring") {
  World world;
  std::string out;
  std::string reply;
  const auto response = world.responder.respond("postfix example.org", world.last, out,
                                                [&](auto wire) { reply = wire; });
  CHECK(response.kind == Kind::waiting);
  CHECK(out.empty());
  world.time.pass(base::seconds{1});
  CHECK(reply == "9:NOTFOUND ,");
  CHECK(world.responder.respond("postfix example.org", world.last, out, [](auto) {}).kind ==
        Kind::answered);
  CHECK(out == "9:NOTFOUND ,");
}

namespace {

/// One connection of smtp(8).
struct Delivery : World {
  std::string ask(const std::string& request) {
    std::string out;
    const auto response =
        responder.respond(request, last, out, [&](std::string_view wire) { out = wire; });
    time.pass(base::milliseconds{100});
    return out;
  }
};

constexpr const char* kNotVerified = "dsn 4.7.5 Server certificate not verified";

}  // namespace

TEST_CASE("decision 21: after a policy its failures are explained, live and settled") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  for (const char* how : {"live", "settled"}) {
    CAPTURE(how);
    CHECK(world.ask("postfix A.test").find("match=mx.a.test ") != std::string::npos);
    const auto told = world.ask(kNotVerified);
    CHECK(told.find("OK 4.7.5 a.test publishes an MTA-STS policy (mode enforce, id 7) that "
                    "requires a trusted certificate for mx.a.test, but") != std::string::npos);
    // Another recipient of the same message.
    CHECK(world.ask(kNotVerified) == told);
  }
}

TEST_CASE("decision 21: both profiles know that no MX host is allowed") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.elsewhere.test");
  world.ask("postfix a.test");
  CHECK(world.ask(kNotVerified).find("its mail servers are mx.elsewhere.test") !=
        std::string::npos);
}

TEST_CASE("decision 21: without a policy, and for another delivery, Postfix's text stays") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  world.ask("postfix a.test");
  SUBCASE("another domain without a policy was asked for since") {
    world.ask("postfix nobody.test");
    CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  }
  SUBCASE("Postfix looks for a parent domain, there was no policy") {
    world.ask("postfix .test");
    CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  }
  SUBCASE("the delivery has succeeded, the next one came without a question") {
    CHECK(world.ask("dsn 2.0.0 250 ok") == "9:NOTFOUND ,");
    CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  }
  SUBCASE("a while after the failure it is another delivery") {
    CHECK(world.ask(kNotVerified) != "9:NOTFOUND ,");
    world.time.pass(base::seconds{3});
    CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  }
  SUBCASE("however long the delivery itself takes it is remembered") {
    world.time.pass(base::seconds{300});
    CHECK(world.ask(kNotVerified) != "9:NOTFOUND ,");
  }
}

TEST_CASE("decision 21: a TEMP is explained by its reason") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  world.network.set_dns({"a.test", net::RecordType::mx},
                        {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL for MX"}});
  CHECK(world.ask("postfix a.test").find("TEMP ") != std::string::npos);
  CHECK(world.ask("dsn 4.7.5 client TLS configuration problem")
            .find("OK 4.7.5 what a.test requires of TLS could not be found out: MX look-up failed: "
                  "SERVFAIL for MX") != std::string::npos);
}

TEST_CASE("decision 13: the operator's word comes before everything, in every spelling") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  fakes::publish(world.network, "b.test", "mx.b.test");
  Responder::Rules rules;
  rules.overrides.set_off(base::DomainName::parse("a.test").value());
  REQUIRE(rules.overrides.set_policy(base::DomainName::parse("b.test").value(), "dane-only").ok());
  world.ask("postfix a.test");
  const auto before = world.network.dns_questions();
  world.responder.set_rules(rules);
  for (const char* key : {"a.test", "A.Test", "[a.test]:587", "a.test:25"})
    CHECK(world.ask(std::string("postfix ") + key) == "9:NOTFOUND ,");
  CHECK(world.ask("postfix-tlsrpt B.test") == "12:OK dane-only,");
  CHECK(world.network.dns_questions() == before);
  CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
}

TEST_CASE("decision 13: observe answers NOTFOUND to everything, and looks all the same") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  Responder::Rules rules;
  rules.observe = true;
  REQUIRE(rules.overrides.set_policy(base::DomainName::parse("b.test").value(), "encrypt").ok());
  world.responder.set_rules(rules);
  for (const char* how : {"live", "settled"}) {
    CAPTURE(how);
    CHECK(world.ask("postfix a.test") == "9:NOTFOUND ,");
    CHECK(world.ask(kNotVerified) == "9:NOTFOUND ,");
  }
  CHECK(world.ask("postfix b.test") == "9:NOTFOUND ,");
  // What was answered is counted, and what would have been.
  const auto& tally = world.responder.tally();
  CHECK(tally.all(Told::not_found) == tally.all());
  CHECK(tally.all(Told::secure) == 0);
  CHECK(tally.all_observed(Told::secure) == 2);
  CHECK(tally.all_observed(Told::by_operator) == 1);
  fakes::publish(world.network, "c.test", "mx.c.test");
  world.network.set_dns({"c.test", net::RecordType::mx},
                        {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL for MX"}});
  CHECK(world.ask("postfix c.test") == "9:NOTFOUND ,");
  CHECK(tally.all_observed(Told::temporary) == 1);
  CHECK(tally.temporary[static_cast<std::size_t>(service::Cause::mx)] == 0);
  CHECK(world.book.find("a.test")->entry.stored);
}

TEST_CASE("answers are counted by map and kind, temporary ones by cause") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  for (int n = 0; n < 3; ++n) world.ask("postfix a.test");
  world.ask("postfix-tlsrpt nobody.test");
  world.ask("sts a.test");
  world.network.set_dns({"b.test", net::RecordType::mx},
                        {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL for MX"}});
  fakes::publish(world.network, "b.test", "mx.b.test");
  world.network.set_dns({"b.test", net::RecordType::mx},
                        {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL for MX"}});
  world.ask("postfix b.test");
  const auto& tally = world.responder.tally();
  const auto count = [&](const std::string& name, Told told) {
    for (const auto& map : tally.maps)
      if (map.map == name) return map.answers[static_cast<std::size_t>(told)];
    return std::uint64_t{99};
  };
  CHECK(count("postfix", Told::secure) == 3);
  CHECK(count("postfix", Told::temporary) == 1);
  CHECK(count("postfix-tlsrpt", Told::not_found) == 1);
  CHECK(count("other", Told::secure) == 1);
  CHECK(tally.all(Told::secure) == 4);
  CHECK(tally.temporary[static_cast<std::size_t>(service::Cause::mx)] == 1);
  CHECK(tally.settled == 3);
  CHECK(tally.live == 3);
  CHECK(name_of(service::Cause::mx) == "mx");
  CHECK(name_of(Told::temporary) == "temp");
}

TEST_CASE("the answers by what they say are as many as those by where they came from") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  Responder::Rules rules;
  rules.maps = MapTable({{.name = "strict"}});
  rules.overrides.set_off(base::DomainName::parse("off.test").value());
  world.responder.set_rules(rules);
  for (const char* request :
       {"postfix a.test", "postfix a.test", "strict a.test", "postfix .test", "postfix [192.0.2.1]",
        "postfix off.test", "nobody-knows nobody.test", "dsn 2.0.0 250 ok"})
    world.ask(request);
  world.ask("postfix a.test");
  CHECK(world.ask(kNotVerified).find("OK 4.7.5 ") != std::string::npos);
  // One whose client leaves is no answer.
  world.network.set_dns({"_mta-sts.silent.test", net::RecordType::txt}, {.outcome = {}});
  world.ask("postfix silent.test");
  // What was counted in a map that is gone was answered all the same.
  rules.maps = MapTable();
  world.responder.set_rules(rules);
  const auto& tally = world.responder.tally();
  std::uint64_t sum = 0;
  for (std::size_t told = 0; told < kTold; ++told) sum += tally.all(static_cast<Told>(told));
  CHECK(tally.all() == 10);
  CHECK(sum == tally.all());
  CHECK(tally.no_domain == 2);
  CHECK(tally.overruled == 1);
  CHECK(tally.statuses == 2);
  CHECK(tally.live == 2);
  CHECK(tally.settled == 3);
}

TEST_CASE("what was counted of a map that stays, stays when the maps change") {
  Delivery world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  world.ask("postfix a.test");
  Responder::Rules rules;
  rules.maps = MapTable({{.name = "strict"}});
  world.responder.set_rules(rules);
  world.ask("strict a.test");
  CHECK(world.responder.tally().all(Told::secure) == 2);
}
