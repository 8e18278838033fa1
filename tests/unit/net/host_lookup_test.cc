#include "net/host_lookup.h"

#include <doctest/doctest.h>

#include "fakes/fake_network.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using base::Fault;
using base::milliseconds;
using base::seconds;

namespace {

struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  std::vector<base::Prefix> allowed;
  std::optional<base::Result<std::vector<base::Address>>> result;
  const base::DomainName host = base::DomainName::parse("mta-sts.example.org").value();

  void answer(RecordType type, const char* address, milliseconds delay = milliseconds{1}) {
    DnsAnswer answer;
    answer.kind = DnsAnswer::Kind::records;
    answer.addresses = {base::Address::parse(address).value()};
    network.set_dns({host.text(), type}, {.delay = delay, .outcome = base::Result(answer)});
  }
  void fail(RecordType type) {
    network.set_dns(
        {host.text(), type},
        {.outcome = base::Result<DnsAnswer>(base::Error{Fault::dns_failed, "SERVFAIL"})});
  }
  void silence(RecordType type) { network.set_dns({host.text(), type}, {.outcome = {}}); }
  base::OperationPtr look_up() {
    return std::make_unique<HostLookup>(network, time, host, allowed,
                                        [this](auto found) { result = std::move(found); });
  }
};

}  // namespace

TEST_CASE("both families are waited for while neither has come") {
  World world;
  world.answer(RecordType::aaaa, "2a00::1", milliseconds{900});
  world.answer(RecordType::a, "1.1.1.1", milliseconds{10});
  const auto lookup = world.look_up();
  world.time.pass(milliseconds{800});
  CHECK_FALSE(world.result);
  world.time.pass(milliseconds{200});
  REQUIRE(world.result);
  CHECK((*world.result)->size() == 2);
}

TEST_CASE("one family with addresses waits a second for the other") {
  World world;
  world.silence(RecordType::aaaa);
  world.answer(RecordType::a, "1.1.1.1");
  const auto lookup = world.look_up();
  world.time.pass(milliseconds{999});
  CHECK_FALSE(world.result);
  world.time.pass(milliseconds{10});
  REQUIRE(world.result);
  CHECK((*world.result)->size() == 1);
}

TEST_CASE("one family that fails, or is refused, does not end the look-up for the other") {
  World world;
  SUBCASE("failed") { world.fail(RecordType::aaaa); }
  SUBCASE("A-8 refused") { world.answer(RecordType::aaaa, "fd00::1"); }
  world.answer(RecordType::a, "1.1.1.1", seconds{5});
  const auto lookup = world.look_up();
  world.time.pass(seconds{4});
  CHECK_FALSE(world.result);
  world.time.pass(seconds{2});
  REQUIRE(world.result);
  CHECK(world.result->ok());
}

TEST_CASE("why there is no address") {
  World world;
  Fault fault = Fault::no_address;
  SUBCASE("none") {}
  SUBCASE("A-8 only special-purpose ones") {
    world.answer(RecordType::a, "127.0.0.1");
    fault = Fault::address_refused;
  }
  SUBCASE("the DNS failed") {
    world.fail(RecordType::a);
    fault = Fault::dns_failed;
  }
  const auto lookup = world.look_up();
  world.time.pass(seconds{1});
  REQUIRE(world.result);
  REQUIRE_FALSE(world.result->ok());
  CHECK(world.result->error().fault == fault);
}
