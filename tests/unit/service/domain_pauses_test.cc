#include "service/domain_pauses.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using base::seconds;
using service::DomainPauses;

namespace {

base::SteadyTime at(int second) { return base::SteadyTime{seconds{second}}; }

}  // namespace

TEST_CASE("the pauses of a domain double while it is wanted again soon, up to the last one") {
  DomainPauses pauses(seconds{300}, seconds{3600});
  int now = 0;
  for (const int pause : {300, 600, 1200, 2400, 3600, 3600}) {
    CAPTURE(pause);
    CHECK(pauses.begin("a.test", at(now)));
    CHECK_FALSE(pauses.begin("a.test", at(now + pause - 1)));
    CHECK(pauses.begin("other" + std::to_string(now) + ".test", at(now)));
    now += pause;
  }
  // Not wanted for long enough: from the beginning.
  now += 3600;
  CHECK(pauses.begin("a.test", at(now)));
  CHECK(pauses.begin("a.test", at(now + 300)));
}

TEST_CASE("the pauses are bounded: what has ended goes first") {
  DomainPauses pauses(seconds{5}, seconds{5});
  CHECK(pauses.begin("old.test", at(0)));
  for (std::size_t n = 1; n < DomainPauses::kMaxDomains; ++n)
    pauses.begin("d" + std::to_string(n), at(20));
  CHECK(pauses.size() == DomainPauses::kMaxDomains);
  CHECK(pauses.begin("new.test", at(21)));
  CHECK_FALSE(pauses.begin("d1", at(21)));
  CHECK(pauses.size() == DomainPauses::kMaxDomains);
  CHECK(pauses.begin("newer.test", at(21)));
  CHECK(pauses.size() == 1);
}
