#include "net/dns_places.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "ask.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using Claim = DnsPlaces::Claim;
using Entry = DnsPlaces::Claim::Entry;

namespace {

struct World {
  Loop loop;
  DnsPlaces places{loop};
  std::string granted;  ///< who was, in order

  std::unique_ptr<Claim> claim(char who) {
    return std::make_unique<Claim>(places, [this, who] { granted += who; });
  }
  std::string next() {
    turn(loop, base::milliseconds(5));
    return std::exchange(granted, "");
  }
};

}  // namespace

TEST_CASE("D4 places: who comes back goes before who is new, each line in its order") {
  World world;
  world.places.set_limit(2);
  const auto a = world.claim('a'), b = world.claim('b'), c = world.claim('c'), d = world.claim('d');
  CHECK(a->enter() == Entry::has_place);
  CHECK(b->enter() == Entry::has_place);
  a->step_aside();
  b->step_aside();
  CHECK(c->enter() == Entry::has_place);
  CHECK(d->enter() == Entry::has_place);
  const auto e = world.claim('e'), f = world.claim('f');
  CHECK(e->enter() == Entry::in_line);
  CHECK_FALSE(b->come_back());
  CHECK_FALSE(a->come_back());
  CHECK(f->enter() == Entry::in_line);
  CHECK(world.next().empty());
  c->leave();
  CHECK(world.granted.empty());  // never in the turn of who gives it back
  CHECK(world.next() == "b");
  d->leave();
  b->leave();
  CHECK(world.next() == "ae");
  a->step_aside();
  CHECK(world.next() == "f");
}

TEST_CASE("D4 places: whoever leaves, from wherever, leaves nothing behind") {
  World world;
  world.places.set_limit(1);
  auto holds = world.claim('h'), aside = world.claim('a'), back = world.claim('b'),
       fresh = world.claim('n');
  CHECK(aside->enter() == Entry::has_place);
  aside->step_aside();
  CHECK(back->enter() == Entry::has_place);
  back->step_aside();
  CHECK(holds->enter() == Entry::has_place);
  CHECK(fresh->enter() == Entry::in_line);
  CHECK_FALSE(back->come_back());
  back.reset();
  fresh.reset();
  aside.reset();
  holds.reset();
  CHECK(world.next().empty());
  const auto again = world.claim('x');
  CHECK(again->enter() == Entry::has_place);
}

TEST_CASE("D4 places: those who pause are bounded together with those in line") {
  World world;
  std::deque<Claim> all;
  const auto enter = [&] { return all.emplace_back(world.places, [] {}).enter(); };
  for (std::size_t n = 0; n < DnsPlaces::kMaxWaiting; ++n) {
    REQUIRE(enter() == Entry::has_place);
    all.back().step_aside();
  }
  CHECK(enter() == Entry::has_place);
  CHECK(enter() == Entry::refused);
  all.front().leave();
  CHECK(enter() == Entry::in_line);
}

TEST_CASE("D4 places: listeners hold none, and are as many as there are places") {
  World world;
  world.places.set_limit(1);
  const auto a = world.claim('a'), b = world.claim('b'), c = world.claim('c');
  CHECK(a->enter() == Entry::has_place);
  CHECK(a->listen());
  CHECK(b->enter() == Entry::has_place);
  CHECK_FALSE(b->listen());
  CHECK_FALSE(b->is_listening());
  CHECK(c->enter() == Entry::in_line);
  CHECK_FALSE(a->come_back());
  CHECK(b->listen());
  CHECK(world.next() == "a");
  b->leave();
  CHECK(a->listen());
  CHECK(world.next() == "c");
}
