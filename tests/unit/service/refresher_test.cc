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
