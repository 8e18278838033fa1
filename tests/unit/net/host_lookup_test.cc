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
  std::optional<base::Result<std::vector<base::Address>>> result, late;
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
  /// The same, for those who wait for the late family too.
  std::unique_ptr<HostLookup> look_up_all() {
    return std::make_unique<HostLookup>(
        network, time, host, allowed,
        [this](auto found) {
          CHECK_FALSE(result);
          result = std::move(found);
        },
        [this](auto found) {
          CHECK(result);
          CHECK_FALSE(late);
          late = std::move(found);
        });
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

TEST_CASE("D2: the family that comes after the grace follows, whichever it is") {
  World world;
  SUBCASE("A") {
    world.answer(RecordType::aaaa, "2a00::1");
    world.answer(RecordType::a, "1.1.1.1", seconds{8});
  }
  SUBCASE("AAAA") {
    world.answer(RecordType::aaaa, "2a00::1", seconds{8});
    world.answer(RecordType::a, "1.1.1.1");
  }
  const auto lookup = world.look_up_all();
  world.time.pass(milliseconds{1010});
  REQUIRE(world.result);
  CHECK((*world.result)->size() == 1);
  CHECK(lookup->is_waiting());
  CHECK_FALSE(world.late);
  world.time.pass(seconds{8});
  REQUIRE(world.late);
  REQUIRE(world.late->ok());
  REQUIRE((*world.late)->size() == 1);
  // Each family once.
  CHECK((*world.late)->front() != (*world.result)->front());
  CHECK_FALSE(lookup->is_waiting());
}

TEST_CASE("D2: the late family's failure follows too, and A-8 holds for it") {
  World world;
  world.answer(RecordType::aaaa, "2a00::1");
  Fault fault = Fault::address_refused;
  SUBCASE("refused") { world.answer(RecordType::a, "10.0.0.1", seconds{8}); }
  SUBCASE("failed") {
    world.network.set_dns(
        {world.host.text(), RecordType::a},
        {.delay = seconds{8},
         .outcome = base::Result<DnsAnswer>(base::Error{Fault::dns_unreachable, "none"})});
    fault = Fault::dns_unreachable;
  }
  const auto lookup = world.look_up_all();
  world.time.pass(seconds{10});
  CHECK(world.result->ok());
  REQUIRE(world.late);
  REQUIRE_FALSE(world.late->ok());
  CHECK(world.late->error().fault == fault);
}

TEST_CASE("D2: nothing follows where both families came in time") {
  World world;
  world.answer(RecordType::aaaa, "2a00::1");
  world.answer(RecordType::a, "1.1.1.1", milliseconds{900});
  const auto lookup = world.look_up_all();
  world.time.pass(seconds{10});
  CHECK((*world.result)->size() == 2);
  CHECK_FALSE(world.late);
}

TEST_CASE("F21: a refused address is named, with the key that would allow it") {
  World world;
  const char* text = nullptr;
  SUBCASE("IPv4") {
    world.answer(RecordType::a, "192.168.1.5");
    text =
        "address 192.168.1.5 is special-purpose, and https.allow_addresses does not list it; to "
        "allow it, set https: {allow_addresses: [\"192.168.1.5/32\"]}";
  }
  SUBCASE("F1 IPv4 behind NAT64") {
    world.answer(RecordType::aaaa, "64:ff9b::a00:1");
    text =
        "address 64:ff9b::a00:1 (NAT64 of 10.0.0.1) is special-purpose, and https.allow_addresses "
        "does not list it; to allow it, set https: {allow_addresses: [\"64:ff9b::a00:1/128\"]}";
  }
  const auto lookup = world.look_up();
  world.time.pass(seconds{1});
  REQUIRE(world.result);
  REQUIRE_FALSE(world.result->ok());
  CHECK(world.result->error().text == text);
}

TEST_CASE("F1: an IPv4-only host seen through DNS64 has an address") {
  World world;
  world.answer(RecordType::aaaa, "64:ff9b::505:505");
  const auto lookup = world.look_up();
  world.time.pass(seconds{1});
  REQUIRE(world.result);
  REQUIRE(world.result->ok());
  CHECK((*world.result)->front().text() == "64:ff9b::505:505");
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
