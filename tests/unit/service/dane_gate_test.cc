#include "service/dane_gate.h"

#include <doctest/doctest.h>

#include <optional>

#include "mail_hosts.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using dane::HostState;

namespace {

using Names = std::vector<std::string>;

struct World : MailHosts {
  std::optional<GateFindings> found;
  std::unique_ptr<DaneGate> gate;

  void look_at(const Names& names) {
    found.reset();
    gate = std::make_unique<DaneGate>(hosts, time, names, 25, [this](GateFindings findings) {
      found = std::move(findings);
      gate.reset();  // as its owner does
    });
    CHECK_FALSE(found);  // never from inside the constructor
  }
  Names found_names() const {
    Names names;
    for (const auto& host : found->hosts) names.push_back(host.host);
    return names;
  }
};

Names numbered(int count) {
  Names names;
  // In no order that sorting would give.
  for (int n = 0; n < count; ++n) names.push_back("mx" + std::to_string((n * 7) % count) + ".test");
  return names;
}

}  // namespace

TEST_CASE("the first 32 hosts by preference are looked at, 8 at a time") {
  World world;
  const auto names = numbered(40);
  for (const auto& host : names) world.address(host, seconds{300}, milliseconds{100});
  world.look_at(names);
  const auto begun = [&] {
    int count = 0;
    for (const auto& host : names) count += world.addresses_asked(host);
    return count;
  };
  CHECK(begun() == 8);
  for (int n = 0; n < 8; ++n) CHECK(world.addresses_asked(names[static_cast<std::size_t>(n)]) == 1);
  for (int ended = 1; ended <= 3; ++ended) {
    world.time.pass(milliseconds{101});  // addresses, and TLSA records, which do not exist
    CHECK(begun() == 8 * (ended + 1));
  }
  CHECK_FALSE(world.found);
  world.time.pass(seconds{1});
  REQUIRE(world.found);
  CHECK(begun() == 32);
  CHECK(world.found_names() == Names(names.begin(), names.begin() + 32));
  for (const auto& host : world.found->hosts) CHECK(host.state == HostState::none);
  CHECK(world.found->valid_for == seconds{300});
}

TEST_CASE("hosts that are all known cost no question, and yet are told in a turn of their own") {
  World world;
  world.usable("one.test", seconds{600});
  world.usable("two.test", seconds{300});
  world.look_at({"one.test", "two.test"});
  world.time.pass(seconds{1});
  REQUIRE(world.found);
  const int asked = world.network.dns_questions();

  world.look_at({"two.test", "one.test"});
  world.time.pass(milliseconds{0});
  REQUIRE(world.found);
  CHECK(world.found_names() == Names{"two.test", "one.test"});
  for (const auto& host : world.found->hosts) CHECK(host.state == HostState::usable);
  CHECK(world.network.dns_questions() == asked);
  // The second is counted as a whole one.
  CHECK(world.found->valid_for <= seconds{299});
  CHECK(world.found->valid_for >= seconds{298});
}

TEST_CASE("no host at all is told in a turn of its own, too") {
  World world;
  world.look_at({});
  world.time.pass(milliseconds{0});
  REQUIRE(world.found);
  CHECK(world.found->hosts.empty());
  CHECK(world.network.dns_questions() == 0);
}

TEST_CASE("I9 after 15 s whoever is not done with is in error, and the reason names the host") {
  World world;
  world.usable("good.test");
  world.silent("mute.test");
  world.look_at({"good.test", "mute.test"});
  world.time.pass(DaneGate::kPatience - milliseconds{1});
  CHECK_FALSE(world.found);
  world.time.pass(milliseconds{1});
  REQUIRE(world.found);
  CHECK(world.found->hosts[0] == dane::HostFinding{"good.test", HostState::usable, ""});
  CHECK(world.found->hosts[1] ==
        dane::HostFinding{"mute.test", HostState::error, "its DNS did not answer within 15 s"});
  // Whoever asks next may be luckier.
  CHECK(world.found->valid_for == seconds{0});

  world.look_at({"mute.test"});
  world.time.pass(DaneGate::kPatience);
  REQUIRE(world.found);
  CHECK(dane::judge(world.found->hosts, dane::Mixed::dane_only).reason ==
        "MX host mute.test: its DNS did not answer within 15 s");
}

TEST_CASE("I9 hosts whose turn never came are in error as well") {
  World world;
  auto names = numbered(8);
  for (const auto& host : names) world.silent(host);
  names.push_back("last.test");
  world.usable("last.test");
  world.look_at(names);
  world.time.pass(DaneGate::kPatience);
  REQUIRE(world.found);
  REQUIRE(world.found->hosts.size() == 9);
  CHECK(world.addresses_asked("last.test") == 0);
  CHECK(world.found->hosts.back() ==
        dane::HostFinding{"last.test", HostState::error, "its DNS did not answer within 15 s"});
}

TEST_CASE("all findings hold as long as the one that ends first") {
  World world;
  world.usable("long.test", seconds{3600});
  world.usable("short.test", seconds{120});
  world.look_at({"long.test", "short.test"});
  world.time.pass(seconds{1});
  REQUIRE(world.found);
  CHECK(world.found->valid_for == seconds{120});

  world.fails("broken.test");
  world.look_at({"long.test", "broken.test"});
  world.time.pass(seconds{1});
  REQUIRE(world.found);
  CHECK(world.found->hosts[1] == dane::HostFinding{"broken.test", HostState::error, "scripted"});
  CHECK(world.found->valid_for == seconds{30});
}

TEST_CASE("a gate that is destroyed tells nobody, and what it began goes on") {
  World world;
  world.usable("one.test");
  world.usable("two.test");
  world.look_at({"one.test", "two.test"});
  world.gate.reset();
  world.time.pass(seconds{60});
  CHECK_FALSE(world.found);
  for (const char* host : {"one.test", "two.test"}) {
    CAPTURE(std::string(host));
    REQUIRE(world.hosts.known(name(host), 25));
    CHECK(world.hosts.known(name(host), 25)->host.state == HostState::usable);
  }
}

TEST_CASE("two gates that look at the same hosts ask once") {
  World world;
  world.usable("mx.test");
  int told = 0;
  const auto count = [&](const GateFindings& findings) {
    CHECK(findings.hosts.size() == 1);
    ++told;
  };
  const DaneGate one(world.hosts, world.time, {"mx.test"}, 25, count);
  const DaneGate two(world.hosts, world.time, {"mx.test"}, 25, count);
  world.time.pass(seconds{1});
  CHECK(told == 2);
  CHECK(world.addresses_asked("mx.test") == 1);
}
