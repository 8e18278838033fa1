#include "sts/adoption.h"

#include <doctest/doctest.h>

using namespace tlspolicyd::sts;
using tlspolicyd::base::seconds;
using tlspolicyd::base::WallTime;

namespace {

constexpr WallTime kNow{seconds{1'800'000'000}};
constexpr seconds kDay{86400};

StoredPolicy fetched(seconds ago, Mode mode = Mode::enforce, const std::string& id = "1") {
  Policy policy;
  policy.mode = mode;
  policy.max_age = kDay;
  return {policy, id, kNow - ago, kNow - ago + kDay};
}

Entry entry_with(const StoredPolicy& stored) {
  Entry entry;
  entry.stored = std::make_shared<const StoredPolicy>(stored);
  return entry;
}

}  // namespace

TEST_CASE("decisions 24: what was fetched later is better, whatever it says") {
  CHECK(judge({}, fetched(seconds{10}), kNow) == Offer::better);
  CHECK(judge(entry_with(fetched(seconds{10})), fetched(seconds{5}, Mode::none, "2"), kNow) ==
        Offer::better);
  CHECK(judge(entry_with(fetched(seconds{5})), fetched(seconds{10}, Mode::enforce, "2"), kNow) ==
        Offer::outdated);
  CHECK(judge(entry_with(fetched(seconds{5})), fetched(seconds{5}), kNow) == Offer::equal);
  // Better than what has expired here.
  CHECK(judge(entry_with(fetched(kDay * 2)), fetched(kDay / 2), kNow) == Offer::better);
}

TEST_CASE("of the same second, all nodes choose the same, and the stricter one") {
  const auto strict = fetched(seconds{5}, Mode::enforce, "1");
  const auto lax = fetched(seconds{5}, Mode::none, "2");
  CHECK(judge(entry_with(lax), strict, kNow) == Offer::better);
  CHECK(judge(entry_with(strict), lax, kNow) == Offer::outdated);
  auto other = strict;
  other.policy.mx = {MxPattern::parse("mx.example.org").value()};
  const bool other_wins = judge(entry_with(strict), other, kNow) == Offer::better;
  CHECK(judge(entry_with(other), strict, kNow) == (other_wins ? Offer::outdated : Offer::better));
}

TEST_CASE("what has expired is of no use") {
  CHECK(judge({}, fetched(kDay - seconds{1}), kNow) == Offer::better);
  CHECK(judge({}, fetched(kDay), kNow) == Offer::expired);
}

TEST_CASE("what no node with a right clock wrote is refused") {
  CHECK(judge({}, fetched(-kClockSkew), kNow) == Offer::better);
  CHECK(judge({}, fetched(-kClockSkew - seconds{1}), kNow) == Offer::wrong);
  auto endless = fetched(seconds{10});
  endless.expires_at += seconds{1};
  CHECK(judge({}, endless, kNow) == Offer::wrong);
  // A policy is held for a minute, however short its max_age (sts/lifecycle.h, renewal()).
  auto brief = fetched(seconds{10});
  brief.policy.max_age = seconds{0};
  brief.expires_at = brief.fetched_at + seconds{60};
  CHECK(judge({}, brief, kNow) == Offer::better);
}

TEST_CASE("S41 the id of a policy that gave way to another node's is no news for an hour") {
  auto entry = entry_with(fetched(seconds{100}, Mode::enforce, "old"));
  const auto newer =
      std::make_shared<const StoredPolicy>(fetched(seconds{5}, Mode::enforce, "new"));
  advance(entry, PolicyFetched{newer, true}, kNow);
  CHECK(advance(entry, TxtFound{"old", seconds{60}}, kNow) == Next::answer);
  CHECK(advance(entry, TxtFound{"new", seconds{60}}, kNow + seconds{60}) == Next::answer);
  CHECK(advance(entry, TxtFound{"third", seconds{60}}, kNow + seconds{120}) == Next::fetch);
  CHECK(advance(entry, TxtFound{"old", seconds{60}}, kNow + seconds{3600}) == Next::fetch);
  // What this node fetched itself gives way at once.
  advance(entry, PolicyFetched{newer}, kNow);
  CHECK(advance(entry, TxtFound{"old", seconds{60}}, kNow) == Next::fetch);
}
