#include "service/refresher.h"

#include <doctest/doctest.h>

#include "fakes/fake_service.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::seconds;

namespace {

/// As many policies as wanted, from an earlier life, of hosts that answer after a while.
struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  fakes::FakeStore store{time};
  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  std::optional<fakes::Life> life;

  World(int count, seconds age, seconds answer) {
    std::map<std::string, store::Row> held;
    sts::Policy policy;
    policy.mode = sts::Mode::enforce;
    policy.max_age = seconds{10 * 86400};
    policy.mx = {sts::MxPattern::parse("mx.test").value()};
    for (int n = 0; n < count; ++n) {
      const auto domain = "d" + std::to_string(n) + ".test";
      const auto stored = sts::renewal({}, "1", policy, time.wall() - age);
      held[domain] = {
          domain, std::make_shared<const sts::StoredPolicy>(stored), {.used_at = time.wall()}};
      network.set_https("mta-sts." + domain,
                        {.delay = answer,
                         .outcome = net::HttpsReply{
                             200,
                             "text/plain",
                             "version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 864000\n",
                             {}}});
    }
    store.replace(held);
    life.emplace(time, network, store, log, fakes::Settings{});
  }
  int fetched_since(base::WallTime when) const {
    int count = 0;
    for (const auto& [domain, row] : store.held())
      if (row.policy->fetched_at >= when) ++count;
    return count;
  }
};

}  // namespace

TEST_CASE(
    "after a restart overdue policies are refreshed within an hour or so, and not in a burst") {
  World world(2000, seconds{3 * 86400}, seconds{1});
  const auto began = world.time.wall();
  int most = 0;
  int before = 0;
  for (int minute = 0; minute < 66; ++minute) {
    world.time.pass(seconds{60});
    const int now = world.network.https_requests();
    most = std::max(most, now - before);
    before = now;
  }
  CHECK(world.network.https_requests() == 2000);
  CHECK(world.fetched_since(began) == 2000);
  // A sixtieth each minute would be 33.
  CHECK(most < 100);
}

TEST_CASE("refreshes under way are bounded, and hosts that stall do not stop the others for ever") {
  World world(500, seconds{3 * 86400}, seconds{20});
  std::size_t most = 0;
  for (int turn = 0; turn < 3600 * 3; ++turn) {
    world.time.pass(seconds{1});
    most = std::max(most, world.life->refresher.under_way());
  }
  CHECK(most <= Refresher::kAtOnce);
  CHECK(world.network.https_requests() == 500);
}

TEST_CASE("S27 10.2 a policy that nobody asks for again is refreshed once a day for 180 days") {
  World world(1, seconds{0}, seconds{1});
  world.time.pass(seconds{200 * 86400});
  CHECK(world.network.https_requests() >= 160);
  CHECK(world.network.https_requests() <= 200);
  const int then = world.network.https_requests();
  world.time.pass(seconds{20 * 86400});
  CHECK(world.network.https_requests() == then);
}

TEST_CASE("a question that comes while a refresh stalls does not wait for it") {
  World world(1, seconds{3 * 86400}, seconds{55});
  CHECK(world.time.pass_until(seconds{7200}, [&] { return world.network.https_requests() == 1; }));
  world.time.pass(seconds{1});
  Decision got;
  const auto began = world.time.steady();
  const auto asked = world.life->service.ask(
      {base::DomainName::parse("d0.test").value(), {.profile = Profile::tlsrpt}},
      [&](const Decision& decision) { got = decision; });
  world.time.pass_until(seconds{60}, [&] { return got.kind == Decision::Kind::secure; });
  CHECK(world.time.steady() - began < seconds{3});
}

TEST_CASE("changed refresh rules are in force for all policies within a round") {
  World world(50, seconds{0}, seconds{1});
  world.time.pass(seconds{120});
  CHECK(world.network.https_requests() == 0);
  sts::RefreshRules rules;
  rules.interval = seconds{600};
  world.life->refresher.set_rules(rules);
  world.time.pass(seconds{600 + 120});
  CHECK(world.network.https_requests() == 50);
  rules.interval = seconds{86400};
  world.life->refresher.set_rules(rules);
  world.time.pass(seconds{600 + 120});
  // Those of the shorter pause came once more at most: none is put off, none comes twice.
  CHECK(world.network.https_requests() <= 100);
}

namespace {

/// Asks for d0.test and returns how often its MX hosts have been asked for.
int mx_questions(World& world) {
  const auto asked = world.life->service.ask({base::DomainName::parse("d0.test").value(), {}},
                                             [](const Decision&) {});
  world.time.pass(base::milliseconds{10});
  return world.network.dns_questions({"d0.test", net::RecordType::mx});
}

}  // namespace

TEST_CASE("decisions 27: a clock that jumped drops MX hosts, replies and DANE findings, once") {
  World world(1, seconds{0}, seconds{1});
  CHECK(mx_questions(world) == 1);
  CHECK(mx_questions(world) == 2);  // they do not fit: looked at anew, and held now
  const auto& hosts = world.life->dane.hosts();
  const auto looking = world.life->dane.hosts().find(base::DomainName::parse("mx.test").value(), 25,
                                                     [](const auto&) {});
  world.time.pass(seconds{1});
  REQUIRE(hosts.size() == 1);
  REQUIRE(world.life->book.find("d0.test")->mx);
  const auto era = world.life->book.era();
  SUBCASE("far enough") {
    for (const auto by : {seconds{3600}, seconds{-3600}}) {
      world.time.jump(by);
      world.time.pass(Refresher::kTick);
    }
    CHECK(hosts.size() == 0);
    CHECK_FALSE(world.life->book.find("d0.test")->mx->is_fresh(world.time));
    CHECK(world.life->book.era() == era + 2);
    world.time.pass(seconds{600});
    CHECK(world.life->book.era() == era + 2);
  }
  SUBCASE("as clocks are corrected") {
    for (int n = 0; n < 10; ++n) {
      world.time.jump(seconds{2});
      world.time.pass(Refresher::kTick);
    }
    CHECK(hosts.size() == 1);
    CHECK(world.life->book.find("d0.test")->mx);
    CHECK(world.life->book.era() == era);
  }
}

TEST_CASE("MX hosts that are not asked for any more are dropped after a day") {
  World world(1, seconds{0}, seconds{1});
  mx_questions(world);
  world.time.pass(seconds{86'000});
  CHECK(world.life->book.find("d0.test")->mx);
  world.time.pass(seconds{600});
  CHECK_FALSE(world.life->book.find("d0.test")->mx);
}

TEST_CASE("the use of a policy reaches the disk once a day, also without a fetch") {
  World world(1, seconds{3600}, seconds{1});
  sts::RefreshRules rules;
  rules.interval = seconds{30 * 86400};
  world.life->refresher.set_rules(rules);
  const auto began = world.time.wall();
  const auto use = [&] {
    world.life->book.use("d0.test")->entry.upkeep.used_at = world.time.wall();
  };
  const auto noted = [&] { return world.store.held().at("d0.test").upkeep.used_at; };
  world.time.pass(seconds{3600});
  use();
  world.time.pass(seconds{120});
  CHECK(noted() == began);
  world.time.pass(seconds{90'000});
  use();
  world.time.pass(seconds{120});
  CHECK(noted() > began + seconds{90'000});
  CHECK(world.fetched_since(began) == 0);
}

TEST_CASE("B-2 A-12 policies without a place are refreshed too, and get one once there is room") {
  World world(1, seconds{0}, seconds{1});
  auto& book = world.life->book;
  book.set_limits({.policies = 1});
  sts::Policy policy;
  policy.mode = sts::Mode::enforce;
  policy.max_age = seconds{10 * 86400};
  std::vector<std::string> late;
  for (int n = 0; n < 50; ++n) {
    const auto who = base::DomainName::parse("late" + std::to_string(n) + ".test").value();
    late.push_back(who.text());
    world.network.set_https(
        "mta-sts." + who.text(),
        {.delay = seconds{1},
         .outcome = net::HttpsReply{200,
                                    "text/plain",
                                    "version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 864000\n",
                                    {}}});
    REQUIRE_FALSE(book.admit(who, policy, world.time.wall()).kept);
    const auto stored = sts::renewal({}, "1", policy, world.time.wall());
    book.advance(who, sts::PolicyFetched{std::make_shared<const sts::StoredPolicy>(stored)},
                 world.time.wall());
    book.find(who.text())->entry.upkeep.used_at = world.time.wall();
  }
  const auto fetched_at = [&](const std::string& who) {
    const auto* record = book.find(who);
    REQUIRE(record);
    REQUIRE(record->entry.stored);
    return record->entry.stored->fetched_at;
  };
  const auto began = world.time.wall();
  world.time.pass(seconds{30 * 3600});
  for (const auto& who : late) {
    CHECK(fetched_at(who) > began);
    CHECK_FALSE(book.is_placed(who));
  }
  CHECK(world.store.held().size() == 1);
  book.set_limits({.policies = 40});
  world.time.pass(Refresher::kRound + Refresher::kTick);
  CHECK(book.policies() == 40);
  CHECK(book.unplaced() == 11);
  CHECK(world.store.held().size() == 40);
}

TEST_CASE("F20 the walk drops the replies that have ended") {
  World world(1, seconds{3600}, seconds{1});
  auto& record = *world.life->book.find("d0.test");
  record.replies.push_back({{},
                            Decision::Kind::secure,
                            world.time.wall() + seconds{300},
                            world.time.steady() + seconds{300},
                            "wire"});
  world.life->book.account(record);
  world.time.pass(seconds{120});
  CHECK(world.life->book.find("d0.test")->replies.size() == 1);
  world.time.pass(seconds{300});
  CHECK(world.life->book.find("d0.test")->replies.empty());
  CHECK(world.life->book.bytes(Book::Part::answers) == 0);
}
