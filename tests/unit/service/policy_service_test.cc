#include "service/policy_service.h"

#include <doctest/doctest.h>

#include <vector>

#include "fakes/fake_service.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::milliseconds;
using base::seconds;

namespace {

struct World : fakes::FakeService {
  World() {
    net::DnsAnswer txt;
    txt.kind = net::DnsAnswer::Kind::records;
    txt.ttl = seconds{300};
    txt.txt = {"v=STSv1; id=1;"};
    network.set_dns({"_mta-sts.good.test", net::RecordType::txt}, {.outcome = base::Result(txt)});
    net::DnsAnswer mx;
    mx.kind = net::DnsAnswer::Kind::records;
    mx.ttl = seconds{300};
    mx.mx = {{10, "mx.good.test"}};
    network.set_dns({"good.test", net::RecordType::mx}, {.outcome = base::Result(mx)});
    network.set_https("mta-sts.good.test",
                      {.outcome = base::Result(net::HttpsReply{
                           200,
                           "text/plain",
                           "version: STSv1\nmode: enforce\nmx: mx.good.test\nmax_age: 86400\n",
                           {}})});
  }

  static Question question(const char* domain, Terms terms = {}) {
    return {base::DomainName::parse(domain).value(), terms};
  }
};

}  // namespace

TEST_CASE("an inquiry that is cancelled is not answered, and its look-up goes on") {
  World world;
  bool answered = false;
  auto waiting =
      world.service.ask(World::question("good.test"), [&](const auto&) { answered = true; });
  waiting.reset();
  world.time.pass(seconds{60});
  CHECK_FALSE(answered);
  CHECK(world.service.in_flight() == 0);
  CHECK(world.book.policies() == 1);
}

TEST_CASE("an answer may destroy every other inquiry for the same domain") {
  World world;
  std::vector<base::OperationPtr> all;
  int answers = 0;
  for (int n = 0; n < 10; ++n)
    all.push_back(world.service.ask(World::question("good.test"), [&](const auto&) {
      ++answers;
      all.clear();
    }));
  world.time.pass(seconds{60});
  CHECK(answers == 1);
  CHECK(world.service.in_flight() == 0);
}

TEST_CASE("an answer may ask again at once") {
  World world;
  std::vector<base::OperationPtr> all;
  int answers = 0;
  const auto again = [&](const auto&) {
    ++answers;
    all.push_back(world.service.ask(World::question("good.test", {.profile = Profile::tlsrpt}),
                                    [&](const auto&) { ++answers; }));
  };
  all.push_back(world.service.ask(World::question("good.test"), again));
  world.time.pass(seconds{60});
  CHECK(answers == 2);
  CHECK(world.service.in_flight() == 0);
}

TEST_CASE("a kept reply is given for the same terms only, and only while it is valid") {
  World world;
  const auto question = World::question("good.test");
  Decision got;
  const auto waiting =
      world.service.ask(question, [&](const Decision& decision) { got = decision; });
  world.time.pass(seconds{1});
  REQUIRE(got.kind == Decision::Kind::secure);
  CHECK_FALSE(world.service.settled(question.domain.text(), question.terms).known);
  world.service.keep(question, got, "wire");
  CHECK(world.service.settled(question.domain.text(), question.terms).known);
  CHECK(world.service.settled(question.domain.text(), question.terms).wire == "wire");
  CHECK_FALSE(world.service.settled("good.test", {.profile = Profile::tlsrpt}).known);
  CHECK_FALSE(world.service.settled("good.test", {.port = 587}).known);
  world.time.pass(seconds{300});
  CHECK_FALSE(world.service.settled(question.domain.text(), question.terms).known);
}

TEST_CASE("a settled absence is known without a kept reply") {
  World world;
  const auto question = World::question("nothing.test");
  CHECK_FALSE(world.service.settled(question.domain.text(), question.terms).known);
  const auto waiting = world.service.ask(question, [](const auto&) {});
  world.time.pass(seconds{1});
  CHECK(world.service.settled(question.domain.text(), question.terms).known);
  CHECK(world.service.settled(question.domain.text(), question.terms).wire.empty());
}

namespace {

/// A cache that has no place for policies and one for what is without: each newcomer displaces the
/// one before.
struct CrowdedWorld : World {
  CrowdedWorld() {
    fakes::Settings settings;
    settings.book.policies = 0;
    settings.book.negatives = 1;
    settings.book.unplaced = 0;
    crowded.emplace(time, network, store, log, settings);
    net::DnsAnswer mx;
    mx.kind = net::DnsAnswer::Kind::records;
    mx.ttl = seconds{300};
    mx.mx = {{10, "mx.good.test"}};
    network.set_dns({"good.test", net::RecordType::mx},
                    {.delay = seconds{2}, .outcome = base::Result(mx)});
  }

  std::optional<fakes::Life> crowded;
};

}  // namespace

TEST_CASE("A-12 a policy without a place is applied from its fetch, whoever comes meanwhile") {
  CrowdedWorld world;
  Decision got;
  auto& service = world.crowded->service;
  const auto waiting =
      service.ask(World::question("good.test"), [&](const Decision& decision) { got = decision; });
  world.time.pass(seconds{1});
  REQUIRE(world.network.https_requests("mta-sts.good.test") == 1);
  const auto newcomer = service.ask(World::question("another.good.test"), [](const auto&) {});
  REQUIRE(world.crowded->book.find("good.test") == nullptr);
  world.time.pass(seconds{60});
  CHECK(got.kind == Decision::Kind::secure);
}

TEST_CASE(
    "A-12 a policy that is known is applied to a question that waits, whoever comes meanwhile") {
  CrowdedWorld world;
  auto& service = world.crowded->service;
  const auto first = service.ask(World::question("good.test"), [](const auto&) {});
  world.time.pass(seconds{10});
  REQUIRE(world.crowded->book.find("good.test") != nullptr);
  Decision got;
  const auto waiting =
      service.ask(World::question("good.test"), [&](const Decision& decision) { got = decision; });
  const auto newcomer = service.ask(World::question("another.good.test"), [](const auto&) {});
  REQUIRE(world.crowded->book.find("good.test") == nullptr);
  world.time.pass(seconds{60});
  CHECK(got.kind == Decision::Kind::secure);
  CHECK(world.network.https_requests("mta-sts.good.test") == 1);
}

TEST_CASE("decisions 27: a failed delivery drops a domain's findings, every few seconds at most") {
  World world;
  auto& hosts = world.life.dane.hosts();
  const auto learn = [&] {
    const auto asked = world.service.ask(World::question("good.test"), [](const auto&) {});
    const auto mx = hosts.find(World::question("mx.good.test").domain, 25, [](const auto&) {});
    const auto other = hosts.find(World::question("mx.other.test").domain, 25, [](const auto&) {});
    world.time.pass(milliseconds{100});
  };
  const auto is_held = [&] { return world.book.find("good.test")->mx->is_fresh(world.time); };
  learn();
  REQUIRE(is_held());
  REQUIRE(hosts.size() == 2);
  world.service.on_delivery_failed("good.test");
  CHECK_FALSE(is_held());
  CHECK(hosts.size() == 1);
  CHECK(hosts.known(World::question("mx.other.test").domain, 25));
  learn();
  REQUIRE(is_held());
  world.service.on_delivery_failed("good.test");
  CHECK(is_held());
  world.service.on_delivery_failed("nobody.test");
  world.time.pass(PolicyService::kDropPause);
  world.service.on_delivery_failed("good.test");
  CHECK_FALSE(is_held());
  CHECK(hosts.size() == 1);
  CHECK(world.service.mx_stats().findings_dropped == 3);
  // What an operator asks for has no pause.
  learn();
  world.service.drop_findings("good.test");
  CHECK_FALSE(is_held());
  CHECK(world.book.find("nobody.test") == nullptr);
}

TEST_CASE("decisions 28: a mismatch begins one fetch, and every question goes on being answered") {
  World world;
  net::DnsAnswer mx;
  mx.kind = net::DnsAnswer::Kind::records;
  mx.ttl = seconds{300};
  mx.mx = {{10, "mx.elsewhere.test"}};
  world.network.set_dns({"good.test", net::RecordType::mx}, {.outcome = base::Result(mx)});
  std::vector<base::OperationPtr> all;
  int answers = 0;
  const auto ask = [&](int count) {
    for (int n = 0; n < count; ++n)
      all.push_back(world.service.ask(World::question("good.test"), [&](const Decision& decision) {
        CHECK(decision.elsewhere);
        ++answers;
      }));
  };
  ask(1);
  world.time.pass(seconds{61});
  world.network.set_https("mta-sts.good.test", {.outcome = {}});  // silent
  ask(10);
  world.time.pass(milliseconds{10});
  CHECK(answers == 11);
  CHECK(world.network.https_requests() == 2);
  CHECK(world.network.dns_questions({"good.test", net::RecordType::mx}) == 2);
  ask(10);
  world.time.pass(milliseconds{10});
  CHECK(answers == 21);
  CHECK(world.network.https_requests() == 2);
  CHECK(world.service.mx_stats().policy_refetches == 1);
}
