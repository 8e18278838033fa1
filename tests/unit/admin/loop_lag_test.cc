#include "admin/loop_lag.h"

#include <doctest/doctest.h>

#include "fakes/fake_time.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;

TEST_CASE("the loop's lag is the worst of the last minute") {
  fakes::FakeTime time;
  const LoopLag lag(time, time);
  time.stop(base::seconds{5});  // before the loop turns
  time.pass(base::seconds{30});
  CHECK(lag.worst() == 0);
  time.stop(base::milliseconds{3000});
  time.pass(base::milliseconds{1});
  CHECK(lag.worst() == doctest::Approx(2.5));  // it was to run after half a second anyway
  time.stop(base::milliseconds{800});
  time.pass(base::seconds{54});
  CHECK(lag.worst() == doctest::Approx(2.5));
  time.pass(base::seconds{12});
  CHECK(lag.worst() == 0);
}
