#include "service/clock_watch.h"

#include <doctest/doctest.h>

#include "fakes/fake_time.h"

using namespace tlspolicyd;
using base::seconds;

TEST_CASE("B-4 the clock is set: said once, with how far; time that passes is no jump") {
  fakes::FakeTime time;
  service::ClockWatch watch(time);
  time.pass(seconds{86400});
  CHECK_FALSE(watch.look());
  time.jump(seconds{86400 * 730});
  CHECK(watch.look() == seconds{86400 * 730});
  CHECK_FALSE(watch.look());
  time.jump(seconds{-86400 * 730});
  time.pass(seconds{60});
  CHECK(watch.look() == seconds{-86400 * 730});
  for (int n = 0; n < 100; ++n) {
    time.jump(seconds{200});
    CHECK_FALSE(watch.look());
  }
}
