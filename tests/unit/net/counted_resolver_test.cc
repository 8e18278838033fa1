#include "net/counted_resolver.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "fakes/fake_network.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;

namespace {

struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  CountedResolver resolver{network, time};

  base::OperationPtr ask(
      RecordType type, Resolver::Done done = [](auto) {}) {
    return resolver.resolve({base::DomainName::parse("a.test").value(), type}, std::move(done));
  }
  void set(RecordType type, base::Result<DnsAnswer> outcome,
           base::milliseconds delay = base::milliseconds{1}) {
    network.set_dns({"a.test", type}, {.delay = delay, .outcome = std::move(outcome)});
  }
  std::uint64_t count(RecordType type, DnsOutcome outcome) const {
    const auto& kinds = DnsTally::kTypes;
    const auto at = std::find(kinds.begin(), kinds.end(), type) - kinds.begin();
    return resolver.tally().ended[static_cast<std::size_t>(at)][static_cast<std::size_t>(outcome)];
  }
};

DnsAnswer answer(DnsAnswer::Kind kind) {
  DnsAnswer made;
  made.kind = kind;
  return made;
}

base::Error error(base::Fault fault) { return {fault, "why"}; }

}  // namespace

TEST_CASE("questions to the DNS are counted by type and outcome, and passed on as they are") {
  struct Row {
    RecordType type;
    base::Result<DnsAnswer> result;
    DnsOutcome outcome;
  };
  const Row rows[] = {
      {RecordType::txt, answer(DnsAnswer::Kind::records), DnsOutcome::answer},
      {RecordType::mx, answer(DnsAnswer::Kind::no_data), DnsOutcome::denial},
      {RecordType::a, answer(DnsAnswer::Kind::no_such_name), DnsOutcome::denial},
      {RecordType::aaaa, error(base::Fault::dns_failed), DnsOutcome::failed},
      {RecordType::tlsa, error(base::Fault::dns_timeout), DnsOutcome::timeout},
      {RecordType::ns, error(base::Fault::dns_unreachable), DnsOutcome::unreachable},
      {RecordType::cname, error(base::Fault::invalid), DnsOutcome::malformed},
      {RecordType::txt, error(base::Fault::overloaded), DnsOutcome::overloaded},
      {RecordType::txt, error(base::Fault::system), DnsOutcome::other},
  };
  for (const auto& row : rows) {
    const auto name = name_of(row.outcome);
    CAPTURE(name);
    World world;
    world.set(row.type, row.result);
    bool passed_on = false;
    const auto asked = world.ask(row.type, [&](const base::Result<DnsAnswer>& result) {
      passed_on =
          result.ok() == row.result.ok() && (result.ok() || result.error() == row.result.error());
    });
    world.time.pass(base::milliseconds{1});
    CHECK(passed_on);
    CHECK(world.count(row.type, row.outcome) == 1);
  }
}

TEST_CASE("how long a question took is counted, and how many are in flight") {
  World world;
  world.set(RecordType::mx, answer(DnsAnswer::Kind::no_data), base::milliseconds{300});
  base::OperationPtr asked = world.ask(RecordType::mx, [&](const auto&) { asked.reset(); });
  const auto given_up = world.ask(RecordType::mx);
  CHECK(world.resolver.tally().in_flight == 2);
  world.time.pass(base::milliseconds{200});
  {
    const auto another = world.ask(RecordType::mx);
    CHECK(world.resolver.tally().in_flight == 3);
  }
  CHECK(world.resolver.tally().in_flight == 2);
  world.time.pass(base::seconds{1});
  CHECK(world.resolver.tally().in_flight == 0);
  CHECK(world.resolver.tally().seconds.sum() == doctest::Approx(0.6));
  CHECK(world.count(RecordType::mx, DnsOutcome::denial) == 2);
}

TEST_CASE(
    "the resolver is dead from the question that showed it to the next one that is answered") {
  World world;
  const auto dead_after = [&](const base::Result<DnsAnswer>& result) {
    world.set(RecordType::mx, result);
    const auto asked = world.ask(RecordType::mx);
    world.time.pass(base::milliseconds{1});
    return world.resolver.tally().dead;
  };
  CHECK(!dead_after(error(base::Fault::dns_timeout)));
  CHECK(dead_after(error(base::Fault::dns_unreachable)));
  CHECK(dead_after(error(base::Fault::overloaded)));
  CHECK(!dead_after(error(base::Fault::dns_failed)));
}
