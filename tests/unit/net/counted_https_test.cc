#include "net/counted_https.h"

#include <doctest/doctest.h>

#include "fakes/fake_network.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;

TEST_CASE("requests to policy hosts are counted by outcome, with the time they took") {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  CountedHttps https{network, time};
  const auto get = [&](
                       const std::string& host, HttpsClient::Done done = [](auto) {}) {
    return https.get({base::DomainName::parse(host).value(), "/"}, std::move(done));
  };
  HttpsReply missing;
  missing.status = 404;
  network.set_https("a.test", {.delay = base::milliseconds{250}, .outcome = missing});
  network.set_https("b.test", {.outcome = base::Error{base::Fault::certificate, "expired"}});
  network.set_https("silent.test", {.outcome = {}});

  int status = 0;
  base::OperationPtr first = get("a.test", [&](const auto& reply) {
    status = reply->status;
    first.reset();
  });
  const auto second = get("b.test");
  auto third = get("silent.test");
  CHECK(https.tally().in_flight == 3);
  time.pass(base::seconds{1});
  CHECK(status == 404);
  CHECK(https.tally().in_flight == 1);
  third.reset();

  const auto& tally = https.tally();
  CHECK(tally.in_flight == 0);
  CHECK(tally.ended.succeeded == 1);
  CHECK(tally.ended.failed[static_cast<std::size_t>(base::Fault::certificate)] == 1);
  CHECK(tally.seconds.sum() == doctest::Approx(0.251));
}
