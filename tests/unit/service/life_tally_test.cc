#include "service/life_tally.h"

#include <doctest/doctest.h>

#include "fakes/fake_service.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;

namespace {

std::shared_ptr<const sts::StoredPolicy> a_policy() {
  return std::make_shared<const sts::StoredPolicy>();
}

}  // namespace

TEST_CASE("what TXT records said is counted") {
  using Txt = LifeTally::Txt;
  struct Row {
    sts::Event event;
    Txt counted;
  };
  const base::seconds ttl{60};
  const Row rows[] = {
      {sts::TxtFound{"1", ttl}, Txt::found},
      {sts::TxtAbsent{sts::Absence::no_record, ttl}, Txt::no_record},
      {sts::TxtAbsent{sts::Absence::invalid_record, ttl}, Txt::invalid_record},
      {sts::TxtAbsent{sts::Absence::several_records, ttl}, Txt::several_records},
      {sts::TxtFailed{{base::Fault::dns_timeout, "silent"}}, Txt::dns_error},
  };
  for (const auto& row : rows) {
    const auto name = name_of(row.counted);
    CAPTURE(name);
    LifeTally tally;
    tally.count(row.event, {});
    for (std::size_t at = 0; at < LifeTally::kTxt; ++at)
      CHECK(tally.txt[at] == (at == static_cast<std::size_t>(row.counted) ? 1 : 0));
    CHECK(tally.first.succeeded == 0);
  }
}

TEST_CASE("fetches are counted by their fault, apart where a policy was known before") {
  const auto at = static_cast<std::size_t>(base::Fault::certificate);
  const sts::FetchFailed failure{"1", {base::Fault::certificate, "expired"}};
  LifeTally tally;
  sts::Entry entry;
  tally.count(failure, entry);
  tally.count(sts::PolicyFetched{a_policy()}, entry);
  CHECK(tally.first.failed[at] == 1);
  CHECK(tally.first.succeeded == 1);
  entry.stored = a_policy();
  tally.count(failure, entry);
  tally.count(failure, entry);
  tally.count(sts::PolicyFetched{a_policy()}, entry);
  CHECK(tally.renewal.failed[at] == 2);
  CHECK(tally.renewal.succeeded == 1);
  CHECK(tally.first.succeeded == 1);
}

TEST_CASE("a beginning is no outcome") {
  LifeTally tally;
  tally.count(sts::RefreshBegun{}, {});
  tally.count(sts::FetchBegun{}, {});
  CHECK(tally.first.succeeded == 0);
  for (const auto count : tally.txt) CHECK(count == 0);
}

TEST_CASE("the book counts what it is told") {
  fakes::FakeService world;
  world.book.advance(base::DomainName::parse("a.test").value(),
                     sts::TxtFailed{{base::Fault::dns_failed, "SERVFAIL"}}, world.time.wall());
  CHECK(world.book.tally().txt[static_cast<std::size_t>(LifeTally::Txt::dns_error)] == 1);
}
