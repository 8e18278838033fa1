#include "service/lookup.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <vector>

#include "fakes/fake_service.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;

namespace {

struct World : fakes::FakeService {
  Lookup lookup{life.outside, book, base::DomainName::parse("a.test").value(), std::nullopt, [] {}};
};

class Waiter final : public Lookup::Waiter {
 public:
  explicit Waiter(
      Lookup& lookup, bool decides, std::function<void()> delivered = [] {})
      : lookup_(lookup), decides_(decides), delivered_(std::move(delivered)) {
    lookup_.join(*this);
  }
  ~Waiter() override {
    if (waits) lookup_.leave(*this);
  }
  std::optional<Decision> try_decide() override {
    ++asked;
    if (!decides_) return std::nullopt;
    return Decision{};
  }
  void deliver(Decision) override {
    waits = false;
    delivered_();
  }

  int asked = 0;
  bool waits = true;

 private:
  Lookup& lookup_;
  bool decides_;
  std::function<void()> delivered_;
};

}  // namespace

TEST_CASE("D10 a walk asks each waiter once, however many are told meanwhile") {
  World world;
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int n = 0; n < 2000; ++n)
    waiters.push_back(std::make_unique<Waiter>(world.lookup, n % 2 == 1));
  world.lookup.tell_waiters();
  int asked = 0;
  for (const auto& waiter : waiters) asked += waiter->asked;
  CHECK(asked == 2000);
  CHECK(waiters[0]->waits);
  CHECK_FALSE(waiters[1]->waits);
}

TEST_CASE(
    "who is told may destroy any other waiter, and those that join are asked in the same walk") {
  World world;
  std::vector<std::unique_ptr<Waiter>> waiters(5);
  const auto keep = std::make_unique<Waiter>(world.lookup, false);
  std::unique_ptr<Waiter> late;
  std::unique_ptr<Waiter> later;
  waiters[0] = std::make_unique<Waiter>(world.lookup, false);
  waiters[1] = std::make_unique<Waiter>(world.lookup, true, [&] {
    waiters[0].reset();  // asked already
    waiters[2].reset();  // the next one
    waiters[4].reset();  // the last one
    late = std::make_unique<Waiter>(world.lookup, true,
                                    [&] { later = std::make_unique<Waiter>(world.lookup, false); });
  });
  for (const std::size_t n : {2U, 3U, 4U})
    waiters[n] = std::make_unique<Waiter>(world.lookup, true);
  world.lookup.tell_waiters();
  CHECK(keep->asked == 1);
  CHECK_FALSE(waiters[3]->waits);
  REQUIRE(late);
  CHECK_FALSE(late->waits);
  REQUIRE(later);
  CHECK(later->asked == 1);
  CHECK(later->waits);
}
