#include "service/fetch_slots.h"

#include <doctest/doctest.h>

#include <vector>

#include "fakes/fake_time.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::milliseconds;

namespace {

struct Bench {
  fakes::FakeTime time;
  FetchSlots slots;
  std::vector<std::string> begun;
  explicit Bench(FetchSlots::Limits limits) : slots(time, limits) {}
  base::OperationPtr request(const std::string& domain, const std::string& label,
                             FetchSlots::Purpose purpose = FetchSlots::Purpose::question) {
    return slots.request(domain, purpose, [this, label] { begun.push_back(label); });
  }
};

using Begun = std::vector<std::string>;

}  // namespace

TEST_CASE("A-4 slots are bounded in all and per registered domain") {
  Bench bench({.total = 3, .per_registered_domain = 2, .waiting = 10});
  std::vector<base::OperationPtr> held;
  for (const char* label : {"a1", "a2", "a3"}) held.push_back(bench.request("a.test", label));
  for (const char* label : {"b1", "b2"}) held.push_back(bench.request("b.test", label));
  CHECK(bench.begun.empty());  // never from inside request()
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"a1", "a2", "b1"});
  held.erase(held.begin());  // a1 is done: both wait; their domains take turns
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"a1", "a2", "b1", "a3"});
}

TEST_CASE("A-4 what has taken two seconds no longer holds up others") {
  Bench bench({.total = 1, .per_registered_domain = 1, .waiting = 10});
  const auto slow = bench.request("slow.test", "slow");
  const auto other = bench.request("other.test", "other");
  bench.time.pass(milliseconds{1999});
  CHECK(bench.begun == Begun{"slow"});
  bench.time.pass(milliseconds{2});
  CHECK(bench.begun == Begun{"slow", "other"});
}

TEST_CASE("slow ones still count for their registered domain, and are bounded too") {
  Bench bench({.total = 1, .per_registered_domain = 1, .waiting = 100});
  std::vector<base::OperationPtr> held;
  held.push_back(bench.request("slow.test", "slow1"));
  held.push_back(bench.request("slow.test", "slow2"));
  bench.time.pass(base::seconds{10});
  CHECK(bench.begun == Begun{"slow1"});
  for (int n = 0; n < 10; ++n)
    held.push_back(bench.request("d" + std::to_string(n) + ".test", "d"));
  bench.time.pass(base::seconds{100});
  // One brisk and four slow ones at most.
  CHECK(bench.begun.size() == 5);
}

TEST_CASE("A-4 one owner's queue is bounded, and a full queue refuses nobody who need not wait") {
  Bench bench(
      {.total = 4, .per_registered_domain = 1, .waiting = 3, .waiting_per_registered_domain = 2});
  std::vector<base::OperationPtr> held;
  for (int n = 0; n < 3; ++n) held.push_back(bench.request("a.test", "a"));
  CHECK(bench.request("a.test", "a") == nullptr);
  for (int n = 0; n < 2; ++n) held.push_back(bench.request("b.test", "b"));
  CHECK(bench.request("b.test", "b") == nullptr);  // the queue is full
  held.push_back(bench.request("c.test", "c"));
  REQUIRE(held.back() != nullptr);
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"a", "b", "c"});
}

TEST_CASE("a full queue is refused, a cancelled place is free again") {
  Bench bench({.total = 1, .per_registered_domain = 1, .waiting = 1});
  auto first = bench.request("a.test", "a");
  auto second = bench.request("b.test", "b");
  CHECK(second != nullptr);
  CHECK(bench.request("c.test", "c") == nullptr);
  second.reset();
  auto third = bench.request("d.test", "d");
  REQUIRE(third != nullptr);
  first.reset();
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"d"});
}

TEST_CASE("other limits count at once: more begin, none that has begun is stopped") {
  Bench bench({.total = 1, .per_registered_domain = 1});
  std::vector<base::OperationPtr> held;
  for (const char* domain : {"a.test", "b.test", "c.test"})
    held.push_back(bench.request(domain, domain));
  bench.slots.set_limits({.total = 2, .per_registered_domain = 1});
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"a.test", "b.test"});
  bench.slots.set_limits({.total = 1, .per_registered_domain = 1});
  held.erase(held.begin());
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"a.test", "b.test"});  // b.test has the only place
}

TEST_CASE("a question passes the refreshes that stall or wait, of its own registered domain too") {
  using enum FetchSlots::Purpose;
  Bench bench({.total = 8, .per_registered_domain = 4});
  std::vector<base::OperationPtr> held;
  for (int n = 0; n < 32; ++n) held.push_back(bench.request("hoster.test", "refresh", refresh));
  bench.time.pass(milliseconds{1});
  // Half of the registered domain's slots at most.
  CHECK(bench.begun == Begun{"refresh", "refresh"});
  CHECK(bench.slots.has_room("hoster.test", question));
  CHECK_FALSE(bench.slots.has_room("hoster.test", refresh));
  held.push_back(bench.request("hoster.test", "question", question));
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun.back() == "question");
  // Their number takes no place in the queue of questions.
  for (int n = 0; n < 60; ++n) held.push_back(bench.request("hoster.test", "question", question));
  CHECK(held.back() != nullptr);
}

TEST_CASE("where all slots are held, questions of any domain come before waiting refreshes") {
  using enum FetchSlots::Purpose;
  Bench bench({.total = 1, .per_registered_domain = 1});
  std::vector<base::OperationPtr> held;
  held.push_back(bench.request("a.test", "first", refresh));
  for (int n = 0; n < 10; ++n)
    held.push_back(bench.request("r" + std::to_string(n) + ".test", "refresh", refresh));
  held.push_back(bench.request("b.test", "question", question));
  bench.time.pass(milliseconds{1});
  held.erase(held.begin());
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"first", "question"});
  held.pop_back();
  bench.time.pass(milliseconds{1});
  CHECK(bench.begun == Begun{"first", "question", "refresh"});
}
