#include "sts/lifecycle.h"

#include <doctest/doctest.h>

#include <iterator>
#include <map>
#include <string>

using namespace tlspolicyd;
using namespace tlspolicyd::sts;
using base::seconds;
using base::WallTime;

namespace {

constexpr WallTime kNow{seconds{1'000'000'000}};
const base::Error kRemote{base::Fault::connect, "refused"};
const base::Error kOwn{base::Fault::system, "no descriptors"};

Policy policy(Mode mode, seconds max_age = seconds{86400}) {
  Policy made;
  made.mode = mode;
  made.max_age = max_age;
  return made;
}

Next fetched(Entry& entry, const std::string& id, const Policy& body, WallTime now) {
  const auto stored = renewal(entry, id, body, now);
  return advance(entry, PolicyFetched{std::make_shared<const StoredPolicy>(stored)}, now);
}

/// State U, V or X, with id "old"; its TXT record is due.
Entry unknown() { return {}; }
Entry valid(Mode mode = Mode::enforce) {
  Entry entry;
  fetched(entry, "old", policy(mode), kNow - seconds{7200});
  return entry;
}
Entry expired() {
  Entry entry;
  fetched(entry, "old", policy(Mode::enforce, seconds{3600}), kNow - seconds{7200});
  return entry;
}

seconds due_in(const Entry& entry) { return entry.txt_due - kNow; }

}  // namespace

TEST_CASE("4.2 a TXT record is looked at again after its TTL, clamped to 60 s and 1 h") {
  const struct {
    int ttl;
    int due;
  } rows[] = {{0, 60}, {59, 60}, {60, 60}, {300, 300}, {3600, 3600}, {604800, 3600}};
  for (const auto& row : rows) {
    CAPTURE(row.ttl);
    auto entry = valid();
    advance(entry, TxtFound{"old", seconds{row.ttl}}, kNow);
    CHECK(due_in(entry).count() == row.due);
    entry = unknown();
    advance(entry, TxtAbsent{Absence::no_record, seconds{row.ttl}}, kNow);
    CHECK(due_in(entry).count() == row.due);
  }
}

TEST_CASE("U new: fetch") {
  auto entry = unknown();
  CHECK(entry.is_due(kNow));
  CHECK(advance(entry, TxtFound{"a", seconds{300}}, kNow) == Next::fetch);
  CHECK_FALSE(entry.is_valid(kNow));
}

TEST_CASE("U none, multi, invalid: answer, nothing stored, no fetch") {
  for (const auto kind : {Absence::no_record, Absence::several_records, Absence::invalid_record}) {
    auto entry = unknown();
    CHECK(advance(entry, TxtAbsent{kind, seconds{300}}, kNow) == Next::answer);
    CHECK(entry.absence == kind);
    CHECK_FALSE(entry.stored);
  }
}

TEST_CASE("U err: looked at again after 30 s, doubling to 300 s; a success begins anew") {
  auto entry = unknown();
  for (const int pause : {30, 60, 120, 240, 300, 300}) {
    advance(entry, TxtFailed{{base::Fault::dns_failed, "SERVFAIL"}}, kNow);
    CHECK(due_in(entry).count() == pause);
  }
  advance(entry, TxtAbsent{Absence::no_record, seconds{60}}, kNow);
  advance(entry, TxtFailed{{base::Fault::dns_timeout, "silence"}}, kNow);
  CHECK(due_in(entry).count() == 30);
}

TEST_CASE(
    "S23 U fail: 300 s per id, doubling to 1 h; another id sooner, but not within 60 s (S22)") {
  auto entry = unknown();
  auto now = kNow;
  for (const int pause : {300, 600, 1200, 2400, 3600, 3600}) {
    REQUIRE(advance(entry, TxtFound{"a", seconds{60}}, now) == Next::fetch);
    advance(entry, FetchBegun{}, now);
    CHECK(advance(entry, FetchFailed{"a", kRemote}, now) == Next::answer);
    REQUIRE(entry.failure_of("a"));
    CHECK((entry.failure_of("a")->retry_at - now).count() == pause);
    CHECK(advance(entry, TxtFound{"a", seconds{60}}, now + seconds{pause - 1}) == Next::answer);
    // Looked at again at the very moment at which it may be fetched.
    CHECK(entry.txt_due == now + seconds{pause});
    now += seconds{pause};
  }
  auto other = unknown();
  advance(other, TxtFound{"a", seconds{60}}, kNow);
  advance(other, FetchBegun{}, kNow);
  advance(other, FetchFailed{"a", kRemote}, kNow);
  CHECK(advance(other, TxtFound{"b", seconds{60}}, kNow + seconds{59}) == Next::answer);
  CHECK(other.txt_due == kNow + seconds{60});
  CHECK(advance(other, TxtFound{"b", seconds{60}}, kNow + seconds{60}) == Next::fetch);
}

TEST_CASE("I8 S23 ids that take turns: each rests for 300 s, however many they are") {
  auto entry = unknown();
  std::map<std::string, WallTime> failed_at;
  auto now = kNow;
  int fetches = 0;
  for (int turn = 0; turn < 200; ++turn, now += seconds{20}) {
    const auto id = std::to_string(turn % 7);
    if (advance(entry, TxtFound{id, seconds{0}}, now) != Next::fetch) continue;
    ++fetches;
    if (failed_at.contains(id)) CHECK(now - failed_at[id] >= Timing::kFetchFailedFirst);
    failed_at[id] = now;
    advance(entry, FetchBegun{}, now);
    advance(entry, FetchFailed{id, kRemote}, now);
  }
  CHECK(fetches > 20);
  CHECK(std::distance(entry.failed.begin(), entry.failed.end()) == 5);
}

TEST_CASE("S23 a success of one id does not end the rest of another") {
  auto entry = unknown();
  advance(entry, FetchFailed{"a", kRemote}, kNow);
  fetched(entry, "b", policy(Mode::enforce), kNow + seconds{60});
  CHECK(advance(entry, TxtFound{"a", seconds{60}}, kNow + seconds{299}) == Next::answer);
  CHECK(advance(entry, TxtFound{"a", seconds{60}}, kNow + seconds{300}) == Next::fetch);
}

TEST_CASE("decisions 7: where DNSSEC proved that the record is gone, nothing lives longer") {
  auto entry = valid();
  const auto end = entry.stored->expires_at;
  advance(entry, TxtAbsent{Absence::no_record, seconds{300}, true}, kNow);
  fetched(entry, "old", policy(Mode::enforce), kNow);
  CHECK(entry.stored->expires_at == end);
  // But a shorter life is a shorter life.
  fetched(entry, "old", policy(Mode::enforce, seconds{600}), kNow);
  CHECK(entry.stored->expires_at == kNow + seconds{600});
  // A record that is there again ends it.
  advance(entry, TxtFound{"old", seconds{300}}, kNow);
  fetched(entry, "old", policy(Mode::enforce), kNow);
  CHECK(entry.stored->expires_at == kNow + seconds{86400});
}

TEST_CASE("U ok: stored, and expires max_age after the fetch (S14)") {
  for (const auto mode : {Mode::enforce, Mode::testing, Mode::none}) {
    auto entry = unknown();
    CHECK(fetched(entry, "a", policy(mode), kNow) == Next::answer);
    REQUIRE(entry.stored);
    CHECK(entry.stored->id == "a");
    CHECK(entry.is_valid(kNow + seconds{86399}));
    CHECK_FALSE(entry.is_valid(kNow + seconds{86400}));
  }
}

TEST_CASE("S51 max_age below the fetch floor holds for the floor") {
  auto entry = unknown();
  fetched(entry, "a", policy(Mode::enforce, seconds{0}), kNow);
  CHECK(entry.is_valid(kNow + seconds{59}));
  CHECK_FALSE(entry.is_valid(kNow + seconds{60}));
}

TEST_CASE("V same: answer; the expiry does not move (S14)") {
  auto entry = valid();
  const auto expires = entry.stored->expires_at;
  CHECK(advance(entry, TxtFound{"old", seconds{300}}, kNow) == Next::answer);
  CHECK(entry.stored->expires_at == expires);
}

TEST_CASE("V new: fetch; ok replaces, whatever the mode") {
  for (const auto mode : {Mode::enforce, Mode::testing, Mode::none}) {
    auto entry = valid();
    CHECK(advance(entry, TxtFound{"new", seconds{300}}, kNow) == Next::fetch);
    fetched(entry, "new", policy(mode), kNow);
    CHECK(entry.stored->id == "new");
    CHECK(entry.stored->policy.mode == mode);
  }
}

TEST_CASE("I3 I4 V fail, none, multi, err: the policy stays as it is") {
  const Event events[] = {FetchFailed{"new", kRemote},
                          FetchFailed{"new", kOwn},
                          TxtAbsent{Absence::no_record, seconds{60}},
                          TxtAbsent{Absence::several_records, seconds{60}},
                          TxtAbsent{Absence::invalid_record, seconds{60}},
                          TxtFailed{{base::Fault::dns_failed, "SERVFAIL"}},
                          TxtFailed{{base::Fault::dns_unreachable, "down"}},
                          FetchBegun{}};
  for (const auto& event : events) {
    auto entry = valid();
    const auto before = entry.stored;
    CAPTURE(event.index());
    CHECK(advance(entry, event, kNow) == Next::answer);
    CHECK(entry.stored == before);
    CHECK(entry.is_valid(kNow));
  }
}

TEST_CASE("X same id: must be fetched; it does not revive the policy") {
  auto entry = expired();
  REQUIRE_FALSE(entry.is_valid(kNow));
  CHECK(advance(entry, TxtFound{"old", seconds{300}}, kNow) == Next::fetch);
  CHECK_FALSE(entry.is_valid(kNow));
  fetched(entry, "old", policy(Mode::enforce), kNow);
  CHECK(entry.is_valid(kNow));
}

TEST_CASE("X fail: not applied; remembered, so that a corrected clock restores it") {
  auto entry = expired();
  advance(entry, FetchFailed{"old", kRemote}, kNow);
  CHECK_FALSE(entry.is_valid(kNow));
  CHECK(entry.is_valid(kNow - seconds{7000}));
}

TEST_CASE("decisions 11: our own trouble leaves no memory") {
  auto entry = unknown();
  advance(entry, TxtFound{"a", seconds{300}}, kNow);
  advance(entry, FetchBegun{}, kNow);
  advance(entry, FetchFailed{"a", kOwn}, kNow);
  CHECK(entry.failed.empty());
  CHECK(entry.is_due(kNow));
  CHECK(advance(entry, TxtFound{"a", seconds{300}}, kNow) == Next::fetch);
  advance(entry, TxtFailed{{base::Fault::dns_unreachable, "down"}}, kNow);
  CHECK(entry.is_due(kNow));
}
