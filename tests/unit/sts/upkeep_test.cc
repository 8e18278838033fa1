#include "sts/upkeep.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::sts;
using base::seconds;
using base::WallTime;
using Notice = Attention::Notice;

namespace {

constexpr WallTime kNow{seconds{1'800'000'000}};
constexpr seconds kDay{86400};

Policy policy(Mode mode, seconds max_age) {
  Policy made;
  made.mode = mode;
  made.max_age = max_age;
  return made;
}

/// Fetched, and asked for, at kNow.
Entry entry(Mode mode = Mode::enforce, seconds max_age = 10 * kDay) {
  Entry made;
  const auto stored = renewal(made, "1", policy(mode, max_age), kNow);
  advance(made, PolicyFetched{std::make_shared<const StoredPolicy>(stored)}, kNow);
  made.upkeep.used_at = kNow;
  return made;
}

Attention look(Entry& at, WallTime now, double dice = 0.5, WallTime clock_set_at = {}) {
  return look_after(at, now, {}, dice, clock_set_at);
}

void fail_refresh(Entry& at, WallTime now) {
  advance(at, RefreshBegun{}, now);
  advance(at, FetchBegun{}, now);
  advance(at, FetchFailed{"1", {base::Fault::connect, "refused"}}, now);
}

}  // namespace

TEST_CASE("4.1 tREF: the interval or half of max_age, give or take 10 %, at least 300 s") {
  const struct {
    seconds max_age;
    double dice;
    seconds pause;
  } rows[] = {
      {kMaxMaxAge, 0.5, kDay},
      {kMaxMaxAge, 0, seconds{77760}},
      {10 * kDay, 0.999, seconds{95022}},
      {2 * kDay, 0.5, kDay},
      {kDay, 0.5, kDay / 2},
      {seconds{3600}, 0.5, seconds{1800}},
      {seconds{3600}, 0, seconds{1620}},
      {seconds{600}, 0, seconds{300}},
      {seconds{0}, 0.5, seconds{300}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.max_age.count());
    CAPTURE(row.dice);
    CHECK(refresh_pause(policy(Mode::enforce, row.max_age), {}, row.dice).count() ==
          row.pause.count());
  }
}

TEST_CASE("S27 a policy is refreshed once a day, without any question") {
  auto at = entry();
  CHECK_FALSE(look(at, kNow).refresh);
  CHECK_FALSE(look(at, kNow + kDay - seconds{1}).refresh);
  CHECK(look(at, kNow + kDay).refresh);
}

TEST_CASE("when a policy is refreshed is known before that is planned, and told as planned then") {
  auto at = entry();
  CHECK(next_refresh(at, kNow, {}) == kNow + kDay);
  look(at, kNow, 0);
  CHECK(next_refresh(at, kNow, {}) == at.refresh_at);
  CHECK(at.refresh_at != kNow + kDay);
  // After a start it may be overdue: within the hour.
  at.refresh_at = {};
  CHECK(next_refresh(at, kNow + 2 * kDay, {}) > kNow + 2 * kDay);
  CHECK(next_refresh(at, kNow + 2 * kDay, {}) < kNow + 2 * kDay + kSpread);
  CHECK(next_refresh(at, kNow + 10 * kDay, {}) == WallTime{});
  at = entry(Mode::enforce, kMaxMaxAge);
  CHECK(next_refresh(at, kNow + 181 * kDay, {}) == WallTime{});
}

TEST_CASE("a refresh of which nothing came is tried again after 300 s") {
  auto at = entry();
  look(at, kNow);
  advance(at, RefreshBegun{}, kNow + kDay);
  CHECK_FALSE(look(at, kNow + kDay + seconds{299}).refresh);
  CHECK(look(at, kNow + kDay + seconds{300}).refresh);
}

TEST_CASE("B-2 a failing refresh goes on until the end, at growing distances up to an hour") {
  auto at = entry();
  auto now = kNow;
  int refreshes = 0;
  for (; now < kNow + 10 * kDay; now += seconds{60}) {
    const auto attention = look(at, now);
    CHECK(at.is_valid(now));
    if (!attention.refresh) continue;
    ++refreshes;
    fail_refresh(at, now);
  }
  // Nine days after the first, at most an hour and a look apart.
  CHECK(refreshes > 9 * 23);
  CHECK(refreshes < 9 * 25);
  CHECK(look(at, now).notice == Notice::expired);
}

TEST_CASE("B-2 warnings at 50, 25 and 10 % of the life while refreshes fail, once each") {
  auto at = entry();
  fail_refresh(at, kNow + kDay);
  std::vector<int> said;
  for (int hour = 25; hour < 240; ++hour)
    if (look(at, kNow + seconds{3600 * hour}).notice == Notice::expiring) said.push_back(hour);
  CHECK(said == std::vector<int>{120, 180, 216});
}

TEST_CASE("S28 no warning without failure, and none for mode none") {
  auto well = entry();
  auto none = entry(Mode::none);
  fail_refresh(none, kNow + kDay);
  for (int hour = 25; hour < 300; ++hour) {
    CHECK(look(well, kNow + seconds{3600 * hour}).notice == Notice::none);
    CHECK(look(none, kNow + seconds{3600 * hour}).notice == Notice::none);
  }
}

TEST_CASE("decisions: unasked for 180 days, a policy is left to run out") {
  auto at = entry(Mode::enforce, seconds{31557600});
  at.refresh_at = kNow + kDay;
  CHECK(look(at, kNow + 179 * kDay).refresh);
  CHECK_FALSE(look(at, kNow + 180 * kDay).refresh);
  at.upkeep.used_at = kNow + 180 * kDay;
  CHECK(look(at, kNow + 180 * kDay).refresh);
}

TEST_CASE("after a start, overdue refreshes are spread over an hour, or half of what is left") {
  const struct {
    seconds age;
    double dice;
    seconds wait;
  } rows[] = {{5 * kDay, 0, seconds{0}},
              {5 * kDay, 0.5, seconds{1800}},
              {10 * kDay - seconds{1000}, 0.5, seconds{250}},
              {10 * kDay - seconds{1000}, 0.99, seconds{495}}};
  for (const auto& row : rows) {
    CAPTURE(row.age.count());
    CAPTURE(row.dice);
    auto at = entry();
    look(at, kNow + row.age, row.dice);
    CHECK((at.refresh_at - (kNow + row.age)).count() == row.wait.count());
  }
  // One that is not overdue waits for its time.
  auto at = entry();
  look(at, kNow + seconds{3600});
  CHECK(at.refresh_at == kNow + kDay);
}

TEST_CASE("S46 a new id with the old text is looked at again after an hour") {
  auto at = entry();
  auto stored = renewal(at, "2", at.stored->policy, kNow + kDay);
  advance(at, PolicyFetched{std::make_shared<const StoredPolicy>(stored)}, kNow + kDay);
  CHECK_FALSE(look(at, kNow + kDay + seconds{3599}).refresh);
  CHECK(look(at, kNow + kDay + seconds{3600}).refresh);
}

TEST_CASE("B-4 fetched in the future: valid, and refreshed at once") {
  auto at = entry();
  look(at, kNow);
  const auto back = kNow - 400 * kDay;
  CHECK(at.is_valid(back));
  CHECK(look(at, back).refresh);
  fail_refresh(at, back);
  CHECK_FALSE(look(at, back + seconds{299}).refresh);
  CHECK(look(at, back + seconds{300}).refresh);
  // A clock that is corrected by a minute is nothing to refresh for.
  auto near = entry();
  look(near, kNow);
  CHECK_FALSE(look(near, kNow - seconds{60}).refresh);
}

TEST_CASE("decisions 20: what has expired is remembered for 30 days after that was seen") {
  auto at = entry();
  const auto seen = kNow + 11 * kDay;
  CHECK(look(at, seen).changed);
  CHECK(at.upkeep.lapsed_at == seen);
  CHECK_FALSE(look(at, seen + seconds{1}).changed);
  CHECK_FALSE(look(at, seen + 30 * kDay - seconds{1}).forget);
  CHECK(look(at, seen + 30 * kDay).forget);
}

TEST_CASE("B-4 two years ahead and back: valid again, nothing forgotten on the way") {
  auto at = entry();
  const auto ahead = kNow + 730 * kDay;
  CHECK_FALSE(look(at, ahead, 0.5, ahead).forget);
  CHECK_FALSE(look(at, ahead + 29 * kDay, 0.5, ahead).forget);
  const auto corrected = kNow + kDay / 2;
  CHECK(look(at, corrected, 0.5, corrected).changed);
  CHECK(at.is_valid(corrected));
  CHECK(at.upkeep.lapsed_at == WallTime{});
}

TEST_CASE("B-4 a clock that is set forward again and again ends no tombstone") {
  auto at = entry();
  for (int year = 1; year < 10; ++year) {
    const auto set = kNow + 365 * year * kDay;
    CHECK_FALSE(look(at, set, 0.5, set).forget);
  }
}

TEST_CASE("B-4 a clock that was set, and then corrected by a little, ends no tombstone either") {
  auto at = entry();
  const auto seen = kNow + 11 * kDay;
  look(at, seen);
  const auto set = seen + 40 * kDay;
  CHECK_FALSE(look(at, set - seconds{250}, 0.5, set).forget);
}

TEST_CASE("a tombstone noted under a clock that has been set back is kept for 30 days from now") {
  auto at = entry();
  look(at, kNow + 730 * kDay);
  const auto back = kNow + 20 * kDay;
  CHECK(look(at, back).changed);
  CHECK(at.upkeep.lapsed_at == back);
  CHECK(look(at, back + 30 * kDay).forget);
}

TEST_CASE("the alert: once at the expiry after failed refreshes, then daily at most") {
  auto at = entry();
  fail_refresh(at, kNow + kDay);
  const auto end = kNow + 10 * kDay;
  CHECK(look(at, end).notice == Notice::expired);
  CHECK(look(at, end + seconds{60}).notice == Notice::none);
  CHECK_FALSE(raises_alert(at, end + kDay - seconds{1}));
  CHECK(raises_alert(at, end + kDay));
  auto unharmed = entry();
  CHECK(look(unharmed, end).notice == Notice::none);
  auto testing = entry(Mode::testing);
  fail_refresh(testing, kNow + kDay);
  CHECK(look(testing, end).notice == Notice::none);
}

TEST_CASE(
    "a refresh that is planned later than changed rules have it is put forward, never put off") {
  RefreshRules hourly;
  hourly.interval = seconds{3600};
  hourly.jitter = 0;
  RefreshRules monthly;
  monthly.interval = 30 * kDay;
  auto at = entry();
  look(at, kNow);
  CHECK(at.refresh_at == kNow + kDay);
  SUBCASE("to when the rules have it") {
    look_after(at, kNow + seconds{60}, hourly, 0.5, {});
    CHECK(at.refresh_at == kNow + seconds{3600});
  }
  SUBCASE("where that is over, to some time within the hour") {
    look_after(at, kNow + seconds{10'000}, hourly, 0.5, {});
    CHECK(at.refresh_at == kNow + seconds{11'800});
  }
  SUBCASE("not by longer pauses") {
    look_after(at, kNow + seconds{60}, monthly, 0.5, {});
    CHECK(at.refresh_at == kNow + kDay);
  }
  SUBCASE("a retry keeps its time, overdue as it is") {
    fail_refresh(at, kNow + kDay);
    fail_refresh(at, kNow + kDay + seconds{300});
    const auto retry = at.refresh_at;
    CHECK(retry > kNow + kDay + seconds{300});
    look_after(at, kNow + kDay + seconds{310}, hourly, 0.5, {});
    CHECK(at.refresh_at == retry);
  }
}
