#include "service/keeper.h"

#include <doctest/doctest.h>

#include <optional>

#include "fakes/fake_store.h"
#include "fakes/fake_time.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::milliseconds;
using base::seconds;
using Health = fakes::FakeStore::Health;

namespace {

base::DomainName name(const std::string& text) { return base::DomainName::parse(text).value(); }

struct Disk {
  fakes::FakeTime time;
  fakes::FakeStore store{time};
  Book book{{.policies = 2, .negatives = 10}};
  std::string said;
  base::Log log{base::Severity::debug, base::Log::Format::text,
                [this](auto, std::string_view line) { said.append(line).append("\n"); }};
  std::optional<Keeper> keeper;

  Disk() { keeper.emplace(store, book, time, time, log); }

  std::shared_ptr<const sts::StoredPolicy> policy(const std::string& id,
                                                  sts::Mode mode = sts::Mode::enforce) {
    sts::Policy made;
    made.mode = mode;
    made.max_age = seconds{86400};
    return std::make_shared<const sts::StoredPolicy>(sts::renewal({}, id, made, time.wall()));
  }

  /// Keeps a policy and lets it enter the book then, as the discovery does. How long that took.
  std::optional<milliseconds> keep(const std::string& domain, const std::string& id,
                                   bool* durable = nullptr, sts::Mode mode = sts::Mode::enforce) {
    const auto what = policy(id, mode);
    const auto began = time.steady();
    bool entered = false;
    base::OperationPtr keeping = keeper->keep(name(domain), what, [&](bool is_durable) {
      if (durable) *durable = is_durable;
      book.advance(name(domain), sts::PolicyFetched{what}, time.wall());
      entered = true;
      keeping.reset();
    });
    CHECK_FALSE(entered);
    if (!time.pass_until(seconds{60}, [&] { return entered; })) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(time.steady() - began);
  }
  std::string saved_id(const std::string& domain) {
    const auto found = store.held().find(domain);
    return found == store.held().end() ? "" : found->second.policy->id;
  }
  int times_said(std::string_view what) const {
    int times = 0;
    for (auto at = said.find(what); at != std::string::npos; at = said.find(what, at + 1)) ++times;
    return times;
  }
};

}  // namespace

TEST_CASE("decisions 17: a policy enters the book when it is durable, not before") {
  Disk disk;
  disk.store.set_delay(milliseconds{700});
  bool durable = false;
  CHECK(disk.keep("a.test", "1", &durable) == milliseconds{700});
  CHECK(durable);
  CHECK(disk.saved_id("a.test") == "1");
}

TEST_CASE("decisions 17: a full disk: the book goes on from memory, loudly, and catches up") {
  Disk disk;
  disk.store.set_health(Health::full);
  bool durable = true;
  CHECK(disk.keep("a.test", "1", &durable) == milliseconds{1});
  CHECK_FALSE(durable);
  CHECK(disk.book.find("a.test")->entry.is_valid(disk.time.wall()));
  CHECK(disk.keeper->state().failing);
  CHECK(disk.keeper->state().unsaved == 1);
  CHECK(disk.keeper->state().why == "database or disk is full");
  CHECK(disk.times_said("policies cannot be saved") == 1);
  // Nobody waits for a disk that is known to fail.
  CHECK(disk.keep("b.test", "1") == milliseconds{0});
  disk.time.pass(seconds{3600});
  CHECK(disk.times_said("policies cannot be saved") == 6);
  CHECK(disk.keeper->state().unsaved == 2);
  disk.store.set_health(Health::works);
  disk.time.pass(Keeper::kRetry + seconds{1});
  CHECK_FALSE(disk.keeper->state().failing);
  CHECK(disk.keeper->state().unsaved == 0);
  CHECK(disk.saved_id("a.test") == "1");
  CHECK(disk.saved_id("b.test") == "1");
  CHECK(disk.times_said("policies are saved again") == 1);
}

TEST_CASE("decisions 17: a disk that does not answer has failed after 5 s") {
  Disk disk;
  disk.store.set_health(Health::silent);
  bool durable = true;
  CHECK(disk.keep("a.test", "1", &durable) == Keeper::kPatience);
  CHECK_FALSE(durable);
  CHECK(disk.keeper->state().failing);
  CHECK(disk.keep("b.test", "1") == milliseconds{0});
}

TEST_CASE("a disk that was merely slow has not lost what came late") {
  Disk disk;
  disk.store.set_delay(seconds{8});
  CHECK(disk.keep("a.test", "1") == Keeper::kPatience);
  disk.time.pass(seconds{4});
  CHECK(disk.saved_id("a.test") == "1");
  CHECK_FALSE(disk.keeper->state().failing);
}

TEST_CASE("A-12 who has to make room for a policy leaves the disk in the same transaction") {
  Disk disk;
  disk.keep("a.test", "1", nullptr, sts::Mode::testing);
  disk.keep("b.test", "1");
  disk.keep("c.test", "1");
  CHECK(disk.saved_id("a.test") == "");
  CHECK(disk.saved_id("c.test") == "1");
  CHECK(disk.store.writes() == 3);
}

TEST_CASE("A-12 who has to make room leaves the disk too if that failed at first") {
  Disk disk;
  disk.keep("a.test", "1", nullptr, sts::Mode::testing);
  disk.keep("b.test", "1");
  disk.store.set_health(Health::full);
  disk.keep("c.test", "1");
  CHECK(disk.saved_id("a.test") == "1");
  disk.store.set_health(Health::works);
  disk.time.pass(Keeper::kRetry + seconds{1});
  CHECK(disk.saved_id("a.test") == "");
  CHECK(disk.saved_id("c.test") == "1");
}

TEST_CASE("A-12 a newcomer without a place is not written, and that is said, not too often") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.keep("b.test", "1");
  bool durable = true;
  for (int n = 0; n < 5; ++n)
    CHECK(disk.keep("c" + std::to_string(n) + ".test", "1", &durable) == milliseconds{0});
  CHECK_FALSE(durable);
  CHECK(disk.store.held().size() == 2);
  CHECK(disk.keeper->state().unplaced == 5);
  CHECK(disk.times_said("no place for a new policy") == 1);
  CHECK_FALSE(disk.keeper->state().failing);
}

TEST_CASE("a note never overtakes a newer policy on its way") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.store.set_delay(seconds{1});
  const auto what = disk.policy("2");
  const auto keeping = disk.keeper->keep(name("a.test"), what, [](bool) {});
  disk.keeper->note("a.test");
  disk.time.pass(seconds{3});
  CHECK(disk.saved_id("a.test") == "2");
}

TEST_CASE("the upkeep of a policy is kept with it, and what is forgotten is gone") {
  Disk disk;
  disk.keep("a.test", "1");
  auto& upkeep = disk.book.find("a.test")->entry.upkeep;
  upkeep.failures = 3;
  upkeep.used_at = disk.time.wall();
  disk.keeper->note("a.test");
  disk.time.pass(seconds{1});
  CHECK(disk.store.held().at("a.test").upkeep == upkeep);
  disk.keeper->forget("a.test");
  disk.time.pass(seconds{1});
  CHECK(disk.store.held().empty());
  CHECK(disk.book.find("a.test") == nullptr);
}

TEST_CASE("what expired is not forgotten while its successor is on its way to the disk") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.store.set_delay(seconds{1});
  const auto what = disk.policy("2");
  const auto keeping = disk.keeper->keep(name("a.test"), what, [&](bool) {
    disk.book.advance(name("a.test"), sts::PolicyFetched{what}, disk.time.wall());
  });
  disk.keeper->forget("a.test");
  disk.time.pass(seconds{3});
  CHECK(disk.book.is_placed("a.test"));
  disk.keeper->note("a.test");
  disk.time.pass(seconds{3});
  CHECK(disk.saved_id("a.test") == "2");
}

TEST_CASE("decisions 18: what an earlier life left is taken up, where nothing newer is known") {
  Disk disk;
  disk.keep("known.test", "new");
  store::Contents left;
  auto old = *disk.policy("old");
  old.fetched_at -= seconds{100};
  for (const char* domain : {"known.test", "unknown.test"})
    left.rows.push_back({domain, std::make_shared<const sts::StoredPolicy>(old), {.failures = 2}});
  left.losses = {"cache.db was unreadable"};
  disk.keeper->take_up(left);
  CHECK(disk.book.find("known.test")->entry.stored->id == "new");
  CHECK(disk.book.find("unknown.test")->entry.stored->id == "old");
  CHECK(disk.book.find("unknown.test")->entry.upkeep.failures == 2);
  CHECK(disk.times_said("cache.db was unreadable") == 1);
}

TEST_CASE("decisions 17: a file that was lost is filled again from memory") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.keep("b.test", "1");
  disk.store.replace({});
  disk.store.reopen();
  disk.time.pass(Keeper::kRetry + seconds{1});
  CHECK(disk.store.held().size() == 2);
  CHECK(disk.keeper->state().unsaved == 0);
}

TEST_CASE("a keeping that is destroyed is not told, and the policy is written all the same") {
  Disk disk;
  bool told = false;
  disk.keeper->keep(name("a.test"), disk.policy("1"), [&](bool) { told = true; }).reset();
  disk.time.pass(seconds{10});
  CHECK_FALSE(told);
  CHECK(disk.saved_id("a.test") == "1");
  CHECK_FALSE(disk.keeper->state().failing);
}

TEST_CASE("what an operator forgets is gone from the disk too, though it fails and nobody waits") {
  Disk disk;
  disk.keep("a.test", "1");
  bool told = false;
  disk.store.set_health(Health::full);
  auto forgetting = disk.keeper->forget("a.test", [&](bool) { told = true; });
  CHECK(disk.book.find("a.test") == nullptr);
  forgetting.reset();
  disk.time.pass(seconds{5});
  CHECK(disk.saved_id("a.test") == "1");
  disk.store.set_health(Health::works);
  disk.time.pass(seconds{30});
  CHECK(disk.saved_id("a.test").empty());
  CHECK_FALSE(told);
}

TEST_CASE("what an operator forgets does not come back with a file that is opened again") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.store.set_health(Health::full);
  disk.keep("b.test", "1");  // the disk is known to fail
  const auto forgetting = disk.keeper->forget("a.test", [](bool) {});
  disk.time.pass(seconds{1});
  disk.store.reopen();  // it still has the policy
  CHECK(disk.book.find("a.test") == nullptr);
  disk.store.set_health(Health::works);
  disk.time.pass(seconds{60});
  CHECK(disk.book.find("a.test") == nullptr);
  CHECK(disk.saved_id("a.test").empty());
  CHECK(disk.saved_id("b.test") == "1");
  CHECK(disk.keeper->state().unsaved == 0);
}

TEST_CASE("what an operator forgets does not come back by a slow write of before") {
  Disk disk;
  disk.keep("b.test", "1");
  disk.store.set_delay(seconds{20});
  disk.keeper->note("b.test");
  disk.keep("a.test", "1");  // waits in vain: the disk has failed
  REQUIRE(disk.keeper->state().failing);
  const auto forgetting = disk.keeper->forget("b.test", [](bool) {});
  disk.time.pass(seconds{30});
  disk.store.set_delay(milliseconds{1});
  disk.time.pass(seconds{120});
  CHECK(disk.saved_id("b.test").empty());
  CHECK(disk.saved_id("a.test") == "1");
  CHECK_FALSE(disk.keeper->state().failing);
  CHECK(disk.keeper->state().unsaved == 0);
  // Once it is forgotten it may be learnt again.
  CHECK(disk.keep("b.test", "2") == milliseconds{1});
  CHECK(disk.saved_id("b.test") == "2");
}

TEST_CASE("an operator hears once what became of forgetting, of a silent disk after 5 s") {
  Disk disk;
  disk.keep("a.test", "1");
  disk.store.set_health(Health::silent);
  int told = 0;
  const auto forgetting = disk.keeper->forget("a.test", [&](bool durable) {
    ++told;
    CHECK_FALSE(durable);
  });
  disk.time.pass(seconds{60});
  CHECK(told == 1);
}

TEST_CASE("an operator forgets nothing under a policy that is on its way to the disk") {
  Disk disk;
  const auto keeping = disk.keeper->keep(name("a.test"), disk.policy("1"), [](bool) {});
  CHECK(disk.keeper->forget("a.test", [](bool) {}) == nullptr);
}

TEST_CASE("A-12 an enforce policy that makes room stays on disk as long as it is applied, logged") {
  Disk disk;
  disk.book.set_limits({.policies = 10, .negatives = 10, .unplaced = 2});
  for (int n = 0; n < 10; ++n) disk.keep("n" + std::to_string(n) + ".big.test", "1");
  disk.keep("small0.test", "1");
  disk.time.pass(seconds{1});
  CHECK_FALSE(disk.book.is_placed("n0.big.test"));
  CHECK(disk.saved_id("n0.big.test") == "1");
  CHECK(disk.saved_id("n1.big.test") == "1");
  CHECK(disk.saved_id("small0.test") == "1");
  CHECK(disk.times_said("enforce policy evicted: cache full") == 1);
  CHECK(disk.keeper->state().displaced_enforced == 1);
  CHECK(disk.keeper->state().unplaced == 0);
  // Its refreshes are written, and its notes.
  disk.keep("n0.big.test", "2");
  CHECK(disk.saved_id("n0.big.test") == "2");
  CHECK(disk.keeper->state().unplaced == 0);
  disk.book.find("n0.big.test")->entry.upkeep.failures = 7;
  disk.keeper->note("n0.big.test");
  disk.time.pass(seconds{1});
  CHECK(disk.store.held().at("n0.big.test").upkeep.failures == 7);
  // A place that is free again is its own.
  disk.keeper->settle("n0.big.test");
  CHECK_FALSE(disk.book.is_placed("n0.big.test"));
  disk.keeper->forget("small0.test");
  disk.keeper->settle("n0.big.test");
  CHECK(disk.book.is_placed("n0.big.test"));
}

TEST_CASE("A-12 what the shelf drops is gone from the disk, also where that failed, and logged") {
  Disk disk;
  disk.book.set_limits({.policies = 20, .negatives = 10, .unplaced = 1});
  for (int n = 0; n < 20; ++n) disk.keep("n" + std::to_string(n) + ".big.test", "1");
  disk.keep("small0.test", "1");
  disk.keep("small1.test", "1");
  disk.keeper->remove_left();
  disk.time.pass(seconds{1});
  CHECK(disk.saved_id("n0.big.test").empty());
  CHECK(disk.saved_id("n1.big.test") == "1");
  CHECK(disk.times_said("policy forgotten: no memory for policies without a place") == 1);
  disk.store.set_health(Health::full);
  disk.keep("small2.test", "1");
  disk.keeper->remove_left();
  disk.time.pass(seconds{1});
  CHECK(disk.saved_id("n1.big.test") == "1");
  disk.store.set_health(Health::works);
  disk.time.pass(Keeper::kRetry + seconds{1});
  CHECK(disk.saved_id("n1.big.test").empty());
  CHECK(disk.saved_id("n2.big.test") == "1");
  CHECK_FALSE(disk.keeper->state().failing);
}

TEST_CASE(
    "A-12 what had lost its place is applied after a restart, also where there is no memory") {
  Disk disk;
  disk.book.set_limits({.policies = 20, .negatives = 10, .unplaced = 100, .memory = 1 << 16});
  store::Contents left;
  for (int n = 0; n < 90; ++n)
    left.rows.push_back({"d" + std::to_string(n) + ".test", disk.policy("1"), {}});
  disk.keeper->take_up(left);
  REQUIRE(disk.book.policies() < 90);
  REQUIRE(disk.book.unplaced() > 0);
  const auto last = disk.book.find("d89.test");
  REQUIRE(last);
  CHECK(last->entry.is_valid(disk.time.wall()));
  CHECK(disk.book.has_row("d89.test"));
}

TEST_CASE("F20 a policy that has lost its place to its size is written all the same") {
  Disk disk;
  disk.book.set_limits({.policies = 2, .negatives = 10, .memory = std::size_t{1} << 16});
  disk.keep("a.test", "1");
  auto large = *disk.policy("2");
  for (int n = 0; n < 500; ++n)
    large.policy.mx.push_back(
        sts::MxPattern::parse(std::string(50, 'a') + std::to_string(n) + ".test").value());
  const auto what = std::make_shared<const sts::StoredPolicy>(large);
  const auto keeping = disk.keeper->keep(name("a.test"), what, [&](bool durable) {
    CHECK(durable);
    disk.book.advance(name("a.test"), sts::PolicyFetched{what}, disk.time.wall());
  });
  CHECK_FALSE(disk.book.is_placed("a.test"));
  disk.time.pass(seconds{1});
  REQUIRE(disk.book.find("a.test"));
  CHECK(disk.book.find("a.test")->entry.stored->id == "2");
  disk.keeper->note("a.test");  // as after a failed fetch
  disk.time.pass(seconds{1});
  CHECK(disk.saved_id("a.test") == "2");
  CHECK(disk.keeper->state().unplaced == 1);
}

TEST_CASE("F20 a file that is larger than the memory: what was left out is reported and stays") {
  Disk disk;
  disk.book.set_limits({.policies = 100, .negatives = 10, .memory = std::size_t{1} << 14});
  store::Contents left;
  for (int n = 0; n < 50; ++n)
    left.rows.push_back({"d" + std::to_string(n) + ".test", disk.policy("1"), {}});
  disk.keeper->take_up(left);
  CHECK(disk.book.policies() < 20);
  CHECK(disk.book.policies() > 5);
  CHECK(disk.times_said("policies not loaded: cache.memory is too small") == 1);
}
