#include "service/dane_hosts.h"

#include <doctest/doctest.h>

#include "mail_hosts.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using dane::HostState;

namespace {

struct World : MailHosts {
  std::optional<DaneHosts::Known> known(const std::string& host, std::uint16_t port = 25) {
    return hosts.known(name(host), port);
  }
  /// Finds it, whether known or not.
  DaneHosts::Known find(const std::string& host, std::uint16_t port = 25) {
    std::optional<DaneHosts::Known> found;
    const auto looking =
        hosts.find(name(host), port, [&](const DaneHosts::Known& told) { found = told; });
    CHECK_FALSE(found);  // never from inside find()
    time.pass_until(seconds{1}, [&] { return found.has_value(); });
    REQUIRE(found);
    return *found;
  }
};

}  // namespace

TEST_CASE("A-12 what is known is bounded, and the least recently used goes first") {
  World world;
  const auto host = [](std::size_t n) { return "h" + std::to_string(n) + ".test"; };
  for (const auto type : {net::RecordType::a, net::RecordType::aaaa})
    world.network.set_dns(
        {host(2), type}, {.outcome = World::Answer(World::answer(net::DnsAnswer::Kind::no_such_name,
                                                                 host(2), seconds{60}))});
  std::vector<base::OperationPtr> looking;
  for (std::size_t n = 0; n < DaneHosts::kMost; ++n)
    looking.push_back(world.hosts.find(name(host(n)), 25, [](const auto&) {}));
  world.time.pass(seconds{1});
  REQUIRE(world.hosts.size() == DaneHosts::kMost);

  CHECK(world.known(host(0)));
  world.time.pass(seconds{60});
  CHECK_FALSE(world.known(host(2)));
  world.find(host(2));  // that it is found anew counts as use
  world.find("new1.test");
  world.find("new2.test");
  CHECK(world.hosts.size() == DaneHosts::kMost);
  for (const auto& kept : {host(0), host(2), host(4), std::string("new1.test")}) {
    CAPTURE(kept);
    CHECK(world.known(kept));
  }
  for (const auto& gone : {host(1), host(3)}) {
    CAPTURE(gone);
    CHECK_FALSE(world.known(gone));
  }
}

TEST_CASE("decisions 15 who looks for the same host shares one look") {
  World world;
  world.usable("mx.test");
  std::vector<DaneHosts::Known> told;
  const auto note = [&](const DaneHosts::Known& known) { told.push_back(known); };
  const auto one = world.hosts.find(name("mx.test"), 25, note);
  const auto two = world.hosts.find(name("mx.test"), 25, note);
  world.time.pass(seconds{1});
  REQUIRE(told.size() == 2);
  for (const auto& known : told) {
    CHECK(known.host == dane::HostFinding{"mx.test", HostState::usable, ""});
    CHECK(known.valid_for == seconds{300});
  }
  CHECK(world.network.dns_questions() == 3);
}

TEST_CASE("one of two who cancels is not told, the other one is") {
  World world;
  world.usable("mx.test");
  bool told = false;
  auto leaves =
      world.hosts.find(name("mx.test"), 25, [](const auto&) { FAIL("told though cancelled"); });
  const auto stays = world.hosts.find(name("mx.test"), 25, [&](const auto&) { told = true; });
  leaves.reset();
  world.time.pass(seconds{1});
  CHECK(told);
  CHECK(world.network.dns_questions() == 3);
}

TEST_CASE("a look goes on when nobody waits any more, and is remembered") {
  World world;
  world.usable("mx.test");
  auto only =
      world.hosts.find(name("mx.test"), 25, [](const auto&) { FAIL("told though cancelled"); });
  only.reset();
  world.time.pass(seconds{1});
  REQUIRE(world.known("mx.test"));
  CHECK(world.known("mx.test")->host.state == HostState::usable);
  CHECK(world.network.dns_questions() == 3);
}

TEST_CASE("who is told may ask again at once, and destroy all who wait with it") {
  World world;
  world.fails("mx.test", base::Fault::dns_unreachable);
  std::vector<base::OperationPtr> all;
  int told = 0;
  for (int n = 0; n < 5; ++n)
    all.push_back(world.hosts.find(name("mx.test"), 25, [&](const auto&) {
      ++told;
      all.clear();
      all.push_back(world.hosts.find(name("mx.test"), 25, [&](const auto&) { ++told; }));
    }));
  world.time.pass(seconds{1});
  CHECK(told == 2);
  CHECK(world.addresses_asked("mx.test") == 2);
}

TEST_CASE("RFC 2308 7.1 a failure holds for 30 s, doubling to 300 s, until the next success") {
  World world;
  world.fails("mx.test");
  for (const int pause : {30, 60, 120, 240, 300, 300}) {
    CAPTURE(pause);
    const auto found = world.find("mx.test");
    CHECK(found.host == dane::HostFinding{"mx.test", HostState::error, "scripted"});
    CHECK(found.valid_for == seconds{pause});
    world.time.pass(seconds{pause - 1});
    REQUIRE(world.known("mx.test"));
    CHECK(world.known("mx.test")->host.state == HostState::error);
    world.time.pass(seconds{1});
    CHECK_FALSE(world.known("mx.test"));
  }
  world.usable("mx.test");
  CHECK(world.find("mx.test").valid_for == seconds{300});
  world.fails("mx.test");
  CHECK(world.find("mx.test").valid_for == seconds{30});
}

TEST_CASE("decisions 11 our own trouble is not remembered") {
  for (const auto fault :
       {base::Fault::dns_unreachable, base::Fault::overloaded, base::Fault::system}) {
    CAPTURE(name_of(fault));
    World world;
    world.fails("mx.test", fault);
    const auto found = world.find("mx.test");
    CHECK(found.host.state == HostState::error);
    CHECK(found.valid_for == seconds{0});
    CHECK_FALSE(world.known("mx.test"));
    CHECK(world.hosts.size() == 0);
  }
}

TEST_CASE("the least TTL of the answers counts, a minute at least and an hour at most") {
  struct Row {
    int ttl, holds;
  };
  const Row rows[] = {{0, 60},      {59, 60},     {60, 60},     {61, 61},
                      {3599, 3599}, {3600, 3600}, {86400, 3600}};
  for (const auto& row : rows) {
    CAPTURE(row.ttl);
    World world;
    world.usable("mx.test", seconds{row.ttl});
    CHECK(world.find("mx.test").valid_for == seconds{row.holds});
    world.time.pass(seconds{row.holds} - milliseconds{1});
    CHECK_FALSE(world.known("mx.test"));  // not even a second is left
  }
  World world;
  world.usable("mx.test", seconds{600});
  world.network.set_dns({"mx.test", net::RecordType::aaaa},
                        {.outcome = World::Answer(World::answer(net::DnsAnswer::Kind::no_data,
                                                                "mx.test", seconds{100}))});
  CHECK(world.find("mx.test").valid_for == seconds{100});
  world.time.pass(seconds{40});
  REQUIRE(world.known("mx.test"));
  CHECK(world.known("mx.test")->valid_for == seconds{60});
}

TEST_CASE("D7 what is known of a host is known of one port") {
  World world;
  world.usable("mx.test", seconds{300}, 587);
  CHECK(world.find("mx.test", 587).host.state == HostState::usable);
  CHECK_FALSE(world.known("mx.test", 25));
  CHECK(world.find("mx.test", 25).host.state == HostState::none);
  CHECK(world.known("mx.test", 587)->host.state == HostState::usable);
  CHECK(world.known("mx.test", 25)->host.state == HostState::none);
}

TEST_CASE("RFC 7672 2.2 DANE does not apply to an address in the place of a host") {
  World world;
  REQUIRE(world.known("192.0.2.1"));
  CHECK(world.known("192.0.2.1")->host == dane::HostFinding{"192.0.2.1", HostState::none, ""});
  CHECK(world.known("192.0.2.1")->valid_for == seconds{3600});
  CHECK_FALSE(world.known("192.0.2.1.test"));
}

TEST_CASE("what is forgotten is looked for anew, and a look under way goes on") {
  World world;
  world.usable("mx.test");
  world.find("mx.test");
  bool told = false;
  const auto looking = world.hosts.find(name("other.test"), 25, [&](const auto&) { told = true; });
  world.hosts.forget();
  CHECK_FALSE(world.known("mx.test"));
  CHECK(world.hosts.size() == 0);
  world.time.pass(seconds{1});
  CHECK(told);
  CHECK(world.find("mx.test").host.state == HostState::usable);
}

TEST_CASE("decisions 27: one host is forgotten at all ports, with its back-off, and no other") {
  World world;
  world.usable("mx.test");
  world.usable("mx.test", seconds{300}, 587);
  world.usable("mx.test.other");
  world.usable("a.mx.test");
  world.find("mx.test");
  world.find("mx.test", 587);
  world.find("mx.test.other");
  world.find("a.mx.test");
  world.fails("broken.test");
  world.find("broken.test");
  world.time.pass(seconds{30});
  CHECK(world.find("broken.test").valid_for == seconds{60});
  world.hosts.forget("mx.test");
  world.hosts.forget("broken.test");
  world.hosts.forget("nobody.test");
  CHECK_FALSE(world.known("mx.test"));
  CHECK_FALSE(world.hosts.known(name("mx.test"), 587));
  CHECK(world.known("mx.test.other"));
  CHECK(world.known("a.mx.test"));
  CHECK(world.hosts.size() == 2);
  CHECK(world.find("broken.test").valid_for == seconds{30});
}

TEST_CASE("a host that is being looked for when it is forgotten is told, and not kept") {
  World world;
  world.usable("late.test");
  bool told = false;
  const auto looking = world.hosts.find(name("late.test"), 25, [&](const auto&) { told = true; });
  world.hosts.forget("late.test");
  world.time.pass(seconds{1});
  CHECK(told);
  CHECK_FALSE(world.known("late.test"));
}

TEST_CASE("what was being looked for when all was forgotten is told, and not kept") {
  World world;
  std::optional<DaneHosts::Known> found;
  const auto looking =
      world.hosts.find(name("mx.test"), 25, [&](const DaneHosts::Known& told) { found = told; });
  world.hosts.forget();
  world.time.pass_until(seconds{1}, [&] { return found.has_value(); });
  REQUIRE(found);
  CHECK(found->valid_for == seconds{0});
  CHECK_FALSE(world.known("mx.test"));
  CHECK(world.find("mx.test").valid_for > seconds{0});
}

namespace {

/// A host whose addresses are asked for; what is silent stays so.
struct HalfSilent : World {
  using Kind = net::DnsAnswer::Kind;
  void family(net::RecordType type, Kind kind, bool secure) {
    auto made = answer(kind, "mx.test", seconds{300});
    made.authenticated = secure;
    network.set_dns({"mx.test", type}, {.outcome = Answer(made)});
  }
  void silent(net::RecordType type) { network.set_dns({"mx.test", type}, {.outcome = {}}); }
  /// How long it takes; a minute for ever.
  std::pair<HostState, milliseconds> look() {
    std::optional<DaneHosts::Known> found;
    const auto begun = time.steady();
    const auto looking =
        hosts.find(name("mx.test"), 25, [&](const DaneHosts::Known& known) { found = known; });
    time.pass_until(seconds{60}, [&] { return found.has_value(); });
    return {found ? found->host.state : HostState::error,
            std::chrono::duration_cast<milliseconds>(time.steady() - begun)};
  }
};

}  // namespace

TEST_CASE("F10 D5 one family settles a host while the other is silent") {
  using Kind = net::DnsAnswer::Kind;
  constexpr auto kA = net::RecordType::a, kAaaa = net::RecordType::aaaa;
  struct Row {
    const char* what;
    net::RecordType answers;
    Kind kind;
    bool secure;
    HostState state;
    int least_ms, most_ms;  ///< the first time
    int again_ms;           ///< at most, after the TTL
  };
  const Row rows[] = {
      {"A secure", kA, Kind::records, true, HostState::usable, 0, 100, 100},
      {"AAAA secure", kAaaa, Kind::records, true, HostState::usable, 0, 100, 100},
      {"A unsigned", kA, Kind::records, false, HostState::none, 1000, 1100, 100},
      {"AAAA unsigned", kAaaa, Kind::records, false, HostState::none, 1000, 1100, 100},
      {"no A, unsigned", kA, Kind::no_data, false, HostState::none, 1000, 1100, 100},
      // That one is proved not to be there says nothing of the other.
      {"no A, proved", kA, Kind::no_data, true, HostState::error, 0, 60'000, 60'000},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    HalfSilent world;
    world.usable("mx.test");
    world.family(row.answers, row.kind, row.secure);
    world.silent(row.answers == kA ? kAaaa : kA);
    const auto [state, took] = world.look();
    CHECK(state == row.state);
    CHECK(took.count() >= row.least_ms);
    CHECK(took.count() <= row.most_ms);
    world.time.pass(seconds{301});
    const auto again = world.look();
    CHECK(again.first == row.state);
    CHECK(again.second.count() <= row.again_ms);
  }
}

TEST_CASE("F10 what is not secure waits for the other family: a secure one is not overlooked") {
  using Kind = net::DnsAnswer::Kind;
  for (const int delay : {1, 500, 990}) {
    HalfSilent world;
    world.usable("mx.test");
    world.family(net::RecordType::aaaa, Kind::records, false);
    auto late = World::answer(Kind::records, "mx.test", seconds{300});
    world.network.set_dns({"mx.test", net::RecordType::a},
                          {.delay = milliseconds{delay}, .outcome = World::Answer(late)});
    CHECK(world.look().first == HostState::usable);
  }
}

TEST_CASE("F10 an error of one family is none of the other, and two errors are one") {
  HalfSilent world;
  world.usable("mx.test");
  const auto fails = [&](net::RecordType type, milliseconds delay) {
    world.network.set_dns(
        {"mx.test", type},
        {.delay = delay,
         .outcome = World::Answer(base::Error{base::Fault::dns_failed, "scripted"})});
  };
  fails(net::RecordType::aaaa, milliseconds{1});
  world.network.set_dns({"mx.test", net::RecordType::a},
                        {.delay = seconds{8},
                         .outcome = World::Answer(World::answer(net::DnsAnswer::Kind::records,
                                                                "mx.test", seconds{300}))});
  CHECK(world.look().first == HostState::usable);  // 8 s are waited for, since nothing is known
  world.hosts.forget();
  fails(net::RecordType::a, seconds{6});
  CHECK(world.look().first == HostState::error);
}
