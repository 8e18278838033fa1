#include "admin/health.h"

#include <doctest/doctest.h>

#include "bench.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;
using State = Health::Part::State;

namespace {

/// The daemon on a resolver that does or does not validate, and whatever a test makes of it.
struct World : Bench {
  Health look() const { return health_of(sources); }
  State of(const std::string& name) const {
    for (const auto& part : look().parts)
      if (part.name == name) return part.state;
    FAIL("no part " << name);
    return State::unwell;
  }
};

}  // namespace

TEST_CASE("all is well: every part says ok, in words too") {
  World world;
  const auto health = world.look();
  CHECK(health.well);
  CHECK(health.troubles.empty());
  std::string names;
  for (const auto& part : health.parts) {
    CHECK(name_of(part.state) == "ok");
    names.append(part.name).append(" ");
  }
  CHECK(names == "resolver gate disk cache fleet loop configuration ");
  CHECK(world.get("/healthz").body ==
        nlohmann::json::parse(R"({"well": true, "troubles": [], "parts": {"resolver": "ok",
          "gate": "ok", "disk": "ok", "cache": "ok", "fleet": "ok", "loop": "ok",
          "configuration": "ok"}})"));
}

TEST_CASE("a resolver that is dead makes it unwell until it answers again") {
  World world;
  world.dns.count(net::RecordType::txt, base::Error{base::Fault::dns_unreachable, "dead"});
  CHECK(world.of("resolver") == State::unwell);
  CHECK(!world.look().well);
  CHECK(world.get("/healthz").status == 503);
  CHECK(world.get("/healthz").body["parts"]["resolver"] == "unwell");
  world.dns.count(net::RecordType::txt, net::DnsAnswer{});
  CHECK(world.of("resolver") == State::ok);
}

TEST_CASE("a disk that fails makes it unwell, and the text says what it costs") {
  World world;
  world.publish("a.example");
  world.store.set_health(fakes::FakeStore::Health::full);
  world.ask("a.example");
  CHECK(world.of("disk") == State::unwell);
  CHECK(world.look().troubles.at(0).find("1 are in memory only; the log") != std::string::npos);
  world.store.set_health(fakes::FakeStore::Health::works);
  world.time.pass(base::seconds{30});
  CHECK(world.of("disk") == State::ok);
}

TEST_CASE("a loop that was blocked for more than a second makes it unwell for a minute") {
  World world;
  world.time.pass(base::milliseconds{1});
  world.time.stop(base::milliseconds{1400});
  world.time.pass(base::milliseconds{1});
  CHECK(world.of("loop") == State::ok);
  world.time.stop(base::milliseconds{1600});
  world.time.pass(base::milliseconds{1});
  CHECK(world.of("loop") == State::unwell);
  world.time.pass(base::seconds{65});
  CHECK(world.of("loop") == State::ok);
}

TEST_CASE("a gate that is off because the resolver does not validate degrades, and is said") {
  World world;
  world.network.set_dns({"", net::RecordType::ns}, {.outcome = net::DnsAnswer{}});
  service::Dane dane(world.network, world.time, world.time, world.log,
                     {.mode = service::DaneMode::gate, .mixed = {}, .domains = {}}, [] {});
  const Sources sources{
      world.responder, world.book,           world.life.keeper, world.life.fleet, dane,
      world.service,   world.life.refresher, world.life.slots,  world.server,     world.server,
      world.time,      world.time,           world.facts,       world.reloads,    world.lag,
      world.dns,       world.https,          world.delegation};
  CHECK(health_of(sources).parts.at(1).state == State::ok);  // not known yet
  world.time.pass(base::seconds{1});
  const auto health = health_of(sources);
  CHECK(health.parts.at(1).state == State::degraded);
  CHECK(health.well);
  CHECK(health.troubles.size() == 1);
}

TEST_CASE("no place for a policy degrades for an hour") {
  World world;
  fakes::Settings settings;
  settings.book.policies = 0;
  fakes::Life life(world.time, world.network, world.store, world.log, settings);
  const auto keeping = life.keeper.keep(base::DomainName::parse("a.test").value(),
                                        std::make_shared<const sts::StoredPolicy>(), [](bool) {});
  const Sources sources{
      world.responder, life.book,     life.keeper,  life.fleet,   life.dane,   life.service,
      life.refresher,  life.slots,    world.server, world.server, world.time,  world.time,
      world.facts,     world.reloads, world.lag,    world.dns,    world.https, world.delegation};
  CHECK(health_of(sources).parts.at(3).state == State::degraded);
  CHECK(health_of(sources).well);
  world.time.pass(base::seconds{3600});
  CHECK(health_of(sources).parts.at(3).state == State::ok);
}

TEST_CASE("a configuration that is not in force, or protects nobody, degrades") {
  World world;
  world.reloads.last_ok = false;
  CHECK(world.of("configuration") == State::degraded);
  world.reloads.last_ok = true;
  world.facts.observe = true;
  CHECK(world.of("configuration") == State::degraded);
  CHECK(world.look().well);
}
