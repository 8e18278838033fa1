#include "service/fleet.h"

#include <doctest/doctest.h>

#include <optional>

#include "fakes/fake_service.h"
#include "sts/adoption.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::milliseconds;
using base::seconds;

namespace {

const char* const kServer = "redis://cache:6379/0";

base::DomainName name(const std::string& text) { return base::DomainName::parse(text).value(); }

/// Two nodes of a fleet with one time and one network, and a server between them.
struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  std::string said;
  base::Log log{base::Severity::debug, base::Log::Format::text,
                [this](auto, std::string_view line) { said.append(line).append("\n"); }};
  fakes::FakeSharedCache::Server server;

  struct Node {
    fakes::FakeStore store;
    fakes::Life life;
    explicit Node(World& world, const fakes::Settings& settings = {})
        : store(world.time), life(world.time, world.network, store, world.log, settings) {
      life.fleet.set_server(kServer);
    }
    const Fleet::State& state() const { return life.fleet.state(); }
    std::string id_of(const std::string& domain) {
      const auto* record = life.book.find(domain);
      return record && record->entry.stored ? record->entry.stored->id : "";
    }
    std::string saved_id_of(const std::string& domain) const {
      const auto found = store.held().find(domain);
      return found == store.held().end() ? "" : found->second.policy->id;
    }
  };

  std::shared_ptr<const sts::StoredPolicy> policy(const std::string& id,
                                                  seconds max_age = seconds{86400},
                                                  sts::Mode mode = sts::Mode::enforce) {
    sts::Policy made;
    made.mode = mode;
    made.max_age = max_age;
    made.mx = {sts::MxPattern::parse("mx.a.test").value()};
    made.line_order = "vmxa";
    return std::make_shared<const sts::StoredPolicy>(sts::renewal({}, id, made, time.wall()));
  }
  /// The node fetches a policy, as its discovery does.
  void fetch(Node& node, const std::string& domain, const std::string& id,
             seconds max_age = seconds{86400}) {
    const auto what = policy(id, max_age);
    auto keeping = node.life.keeper.keep(name(domain), what, [&, what](bool) {
      node.life.book.advance(name(domain), sts::PolicyFetched{what}, time.wall());
    });
    time.pass(milliseconds{20});
  }
};

}  // namespace

TEST_CASE("decisions 24: what one node fetches the other has at once, durable") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  world.fetch(a, "a.test", "1");
  CHECK(b.id_of("a.test") == "1");
  CHECK(b.saved_id_of("a.test") == "1");
  CHECK(b.state().adopted == 1);
  CHECK(a.state().told == 1);
  CHECK(a.state().adopted == 0);
  // A newer one replaces it, and nobody says anything twice.
  world.time.pass(seconds{100});
  world.fetch(b, "a.test", "2");
  CHECK(a.id_of("a.test") == "2");
  CHECK(world.server.told == 2);
  // What is adopted is no fetch of this node.
  CHECK(a.life.book.tally().renewal.succeeded == 0);
}

TEST_CASE("a node that was away hears what it missed, and tells what it knows") {
  World world;
  World::Node a(world), b(world);
  b.life.shared.connect(world.server);
  world.fetch(b, "b.test", "1");
  world.fetch(b, "c.test", "old");
  world.time.pass(seconds{10});
  world.fetch(a, "a.test", "1");
  world.fetch(a, "c.test", "new");
  CHECK(a.state().told == 0);
  a.life.shared.connect(world.server);
  world.time.pass(Fleet::kRound + seconds{1});
  CHECK(a.id_of("b.test") == "1");
  CHECK(b.id_of("c.test") == "new");
  // Offered to whoever comes later; those that are connected hear of it when it is fetched.
  CHECK(world.server.held.contains("a.test"));
  World::Node c(world);
  c.life.shared.connect(world.server);
  world.time.pass(seconds{1});
  CHECK(c.id_of("a.test") == "1");
  CHECK(c.id_of("b.test") == "1");
  CHECK(c.id_of("c.test") == "new");
}

TEST_CASE("nodes that were all away tell each other what they learnt meanwhile") {
  World world;
  World::Node a(world), b(world);
  world.fetch(a, "a.test", "1");
  world.fetch(b, "b.test", "1");
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  world.time.pass(Fleet::kRound + seconds{1});
  CHECK(b.id_of("a.test") == "1");
  CHECK(a.id_of("b.test") == "1");
}

TEST_CASE("without its server a node goes on with all that it knows, and says so") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  world.fetch(a, "a.test", "1");
  b.life.shared.disconnect("connection refused");
  CHECK(b.id_of("a.test") == "1");
  CHECK_FALSE(b.state().connected);
  CHECK(b.state().why == "connection refused");
  CHECK(world.said.find("shared cache is away") != std::string::npos);
  // A server that was emptied gets everything back when it is connected.
  world.server.held.clear();
  b.life.shared.connect(world.server);
  world.time.pass(Fleet::kRound + seconds{1});
  CHECK(world.server.held.contains("a.test"));
  // And within the hour while it is connected.
  world.server.held.clear();
  world.time.pass(Fleet::kPause + Fleet::kRound);
  CHECK(world.server.held.contains("a.test"));
}

TEST_CASE("an unexpired enforce policy gives way to what was fetched later only") {
  World world;
  World::Node a(world);
  const auto older = world.policy("older", seconds{86400}, sts::Mode::none);
  world.time.pass(seconds{60});
  world.fetch(a, "a.test", "1");
  a.life.shared.connect(world.server);
  const auto word = [&](const std::shared_ptr<const sts::StoredPolicy>& what) {
    return store::text_of({.domain = "a.test",
                           .row = store::Row{.domain = "a.test", .policy = what, .upkeep = {}},
                           .forgotten_at = {}})
        .value();
  };
  a.life.shared.arrive(word(older));
  world.time.pass(seconds{1});
  CHECK(a.id_of("a.test") == "1");
  // The others are told what is right, once.
  CHECK(a.state().told == 1);
  SUBCASE("not to what cannot be: fetched in the future, or of endless life") {
    auto future = *world.policy("future");
    future.fetched_at += sts::kClockSkew + seconds{10};
    future.expires_at += sts::kClockSkew + seconds{10};
    a.life.shared.arrive(word(std::make_shared<const sts::StoredPolicy>(future)));
    auto endless = *world.policy("endless");
    endless.expires_at += seconds{1000};
    a.life.shared.arrive(word(std::make_shared<const sts::StoredPolicy>(endless)));
    a.life.shared.arrive("a.test|none");
    world.time.pass(seconds{1});
    CHECK(a.id_of("a.test") == "1");
    CHECK(a.state().refused == 3);
  }
  SUBCASE("not before the new one is on the disk") {
    a.store.set_delay(milliseconds{500});
    const auto newer = world.policy("2");
    a.life.shared.arrive(word(newer));
    world.time.pass(milliseconds{400});
    CHECK(a.id_of("a.test") == "1");
    world.time.pass(milliseconds{400});
    CHECK(a.id_of("a.test") == "2");
  }
  SUBCASE("but also while the disk fails") {
    a.store.set_health(fakes::FakeStore::Health::full);
    a.life.shared.arrive(word(world.policy("2")));
    world.time.pass(seconds{1});
    CHECK(a.id_of("a.test") == "2");
    a.store.set_health(fakes::FakeStore::Health::works);
    world.time.pass(seconds{60});
    CHECK(a.saved_id_of("a.test") == "2");
  }
}

TEST_CASE(
    "a policy of this node that is being saved is not overtaken, nor its saving called slow") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  a.store.set_delay(milliseconds{300});
  const auto mine = world.policy("mine");
  SUBCASE("another's arrives meanwhile") {
    auto keeping = a.life.keeper.keep(name("a.test"), mine, [&](bool) {
      a.life.book.advance(name("a.test"), sts::PolicyFetched{mine}, world.time.wall());
    });
    world.time.pass(milliseconds{10});
    world.fetch(b, "a.test", "theirs");
    world.time.pass(seconds{10});
    CHECK(a.id_of("a.test") == a.saved_id_of("a.test"));
    CHECK(a.id_of("a.test") == b.id_of("a.test"));
    CHECK_FALSE(a.life.keeper.state().failing);
  }
  SUBCASE("it is fetched while another's is being taken up") {
    world.fetch(b, "a.test", "theirs");
    world.time.pass(milliseconds{5});
    world.time.jump(seconds{1});
    const auto newer = world.policy("mine");
    auto keeping = a.life.keeper.keep(name("a.test"), newer, [&](bool) {
      a.life.book.advance(name("a.test"), sts::PolicyFetched{newer}, world.time.wall());
    });
    world.time.pass(seconds{10});
    CHECK(a.id_of("a.test") == "mine");
    CHECK(a.saved_id_of("a.test") == "mine");
    CHECK(b.id_of("a.test") == "mine");
    CHECK_FALSE(a.life.keeper.state().failing);
  }
}

TEST_CASE("what an operator has one node forget, all forget, also those that were away") {
  World world;
  World::Node a(world), b(world), c(world);
  for (auto* node : {&a, &b, &c}) node->life.shared.connect(world.server);
  world.fetch(a, "a.test", "1");
  world.time.pass(seconds{10});
  c.life.shared.disconnect("gone");
  const auto forgetting = b.life.keeper.forget("a.test", [](bool) {});
  world.time.pass(seconds{1});
  CHECK(a.id_of("a.test").empty());
  CHECK(a.saved_id_of("a.test").empty());
  CHECK(a.state().forgotten == 1);
  CHECK(c.id_of("a.test") == "1");
  c.life.shared.connect(world.server);
  world.time.pass(Fleet::kRound + seconds{1});
  CHECK(c.id_of("a.test").empty());
  CHECK(a.id_of("a.test").empty());
  // What is fetched later is taken up again.
  world.fetch(c, "a.test", "2");
  CHECK(a.id_of("a.test") == "2");
  CHECK(b.id_of("a.test") == "2");
  // And is not forgotten by whoever hears late.
  a.life.shared.arrive("a.test|forgotten|1");
  world.time.pass(seconds{1});
  CHECK(a.id_of("a.test") == "2");
}

TEST_CASE("a full book takes up nothing more, and an unexpired enforce policy leaves for nobody") {
  World world;
  fakes::Settings small;
  small.book.policies = 1;
  World::Node a(world), b(world, small);
  b.life.shared.connect(world.server);
  world.fetch(b, "b.test", "1");
  a.life.shared.connect(world.server);
  world.time.pass(seconds{1});
  world.fetch(a, "a.test", "1");
  CHECK(b.id_of("b.test") == "1");
  CHECK(b.id_of("a.test").empty());
  CHECK(b.state().unplaced == 1);
}

TEST_CASE("one node's refresh serves all: the others plan theirs from it") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  world.fetch(a, "a.test", "1");
  world.time.pass(seconds{20'000});
  world.fetch(a, "a.test", "1");
  const auto fetched_at = b.life.book.find("a.test")->entry.stored->fetched_at;
  world.time.pass(seconds{120});
  CHECK(b.life.book.find("a.test")->entry.refresh_at > fetched_at + seconds{38'000});
}

TEST_CASE("a node without a server says and hears nothing") {
  World world;
  World::Node a(world);
  a.life.fleet.set_server("");
  world.fetch(a, "a.test", "1");
  world.time.pass(seconds{10});
  CHECK(a.state().told == 0);
  CHECK(a.state().server.empty());
}

TEST_CASE("what was forgotten while the shared cache was away does not come back with it") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  world.fetch(a, "a.test", "1");
  world.time.pass(seconds{10});
  a.life.shared.disconnect("gone");
  const auto forgetting = a.life.keeper.forget("a.test", [](bool) {});
  world.time.pass(seconds{1});
  a.life.shared.connect(world.server);
  world.time.pass(Fleet::kRound + seconds{1});
  CHECK(a.id_of("a.test").empty());
  CHECK(b.id_of("a.test").empty());
  // Nor by a word that a node had sent before it heard.
  const auto old = world.policy("1");
  world.time.pass(seconds{1});
  const auto again = a.life.keeper.forget("a.test", [](bool) {});
  a.life.shared.arrive(
      store::text_of({.domain = "a.test", .row = store::Row{"a.test", old, {}}, .forgotten_at = {}})
          .value());
  world.time.pass(seconds{1});
  CHECK(a.id_of("a.test").empty());
}

TEST_CASE("a server that has little room is offered the whole book, a step at a time") {
  World world;
  World::Node a(world);
  for (int n = 0; n < 300; ++n) world.fetch(a, "d" + std::to_string(n) + ".test", "1");
  a.life.shared.set_room(0);
  a.life.shared.connect(world.server);
  for (int tick = 0; tick < 1200 && world.server.held.size() < 300; ++tick) {
    a.life.shared.set_room(20);
    world.time.pass(Fleet::kTick);
  }
  CHECK(world.server.held.size() == 300);
}

TEST_CASE("a server that takes nothing is told of, and read all the same") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  b.life.shared.set_refusing(true);
  world.fetch(b, "b.test", "1");
  CHECK(b.state().untold == 1);
  CHECK(b.state().why_untold == "OOM");
  CHECK(world.said.find("shared cache does not take policies") != std::string::npos);
  world.fetch(a, "a.test", "1");
  CHECK(b.id_of("a.test") == "1");
}

TEST_CASE("while the disk is slow no more policies are taken from the server than can wait") {
  World world;
  World::Node a(world), b(world);
  b.store.set_delay(milliseconds{3000});
  b.life.shared.connect(world.server);
  for (std::size_t n = 0; n < Fleet::kMaxAdoptions; ++n)
    b.life.shared.arrive(
        store::text_of({.domain = "d" + std::to_string(n) + ".test",
                        .row = store::Row{"d" + std::to_string(n) + ".test", world.policy("1"), {}},
                        .forgotten_at = {}})
            .value());
  world.time.pass(seconds{1});
  CHECK(b.life.shared.is_busy());
  world.time.pass(seconds{3});
  CHECK_FALSE(b.life.shared.is_busy());
  CHECK(b.state().adopted == Fleet::kMaxAdoptions);
  CHECK_FALSE(b.life.keeper.state().failing);
}

TEST_CASE("a policy that was taken up is as used as the others say, also after a restart") {
  World world;
  World::Node a(world), b(world);
  a.life.shared.connect(world.server);
  b.life.shared.connect(world.server);
  a.life.book.open(name("a.test")).entry.upkeep.used_at = world.time.wall();
  world.fetch(a, "a.test", "1");
  CHECK(b.store.held().at("a.test").upkeep.used_at == a.store.held().at("a.test").upkeep.used_at);
  CHECK(b.store.held().at("a.test").upkeep.used_at > base::WallTime{});
}
