#include "store/record.h"

#include <doctest/doctest.h>

#include <functional>

#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

/// Of a row that has something in every field.
Record good() {
  auto row = make_row("example.org", 7);
  row.upkeep.lapsed_at = at(1'700'000'004);
  return *to_record(row);
}

std::string why_not(Record record, bool with_checksum = true) {
  if (with_checksum) record.checksum = checksum_of(record);
  const auto row = to_row(record);
  return row ? "" : row.error().text;
}

}  // namespace

TEST_CASE("decisions 17 a row comes back from its record as it was") {
  const auto row = make_row("example.org", 7);
  const auto record = to_record(row);
  REQUIRE(record.ok());
  const auto back = to_row(*record);
  REQUIRE(back.ok());
  CHECK(same(row, *back));
  CHECK(record->domain == "example.org");
  CHECK(record->mode == "enforce");
  CHECK(record->max_age == 86407);
  CHECK(record->mx == "mx7.example.org *.example.org");
  CHECK(record->line_order == "vmxxa");
  CHECK(record->id == "id7");
  CHECK(record->fetched_at == 1'700'000'007);
  CHECK(record->expires_at == 1'700'086'407);
  CHECK(record->used_at == 1'700'000'008);
  CHECK(record->confirmed_at == 1'700'000'002);
  CHECK(record->tried_at == 1'700'000'003);
  CHECK(record->lapsed_at == 0);
  CHECK(record->failures == 7);
}

TEST_CASE("decisions 17 every policy that can be read can be stored") {
  std::string body;
  SUBCASE("none without mx") { body = "version: STSv1\nmode: none\nmax_age: 0\n"; }
  SUBCASE("none with mx") { body = "mx: a.example\nmode: none\nversion: STSv1\nmax_age: 1\n"; }
  SUBCASE("none with bad mx") { body = "mx: ?\nmode: none\nversion: STSv1\nmax_age: 1\n"; }
  SUBCASE("testing") {
    body = "max_age: 9999999999\nmode: testing\nversion: STSv1\nmx: a.example\n";
  }
  SUBCASE("patterns that match nothing") {
    body = "version: STSv1\nmode: enforce\nmax_age: 5\nmx: 192.0.2.1\nmx: com\nmx: *.com\nmx: " +
           std::string(64, 'a') + ".example\n";
  }
  SUBCASE("twice the same mx") {
    body = "version: STSv1\nmode: enforce\nmax_age: 5\nmx: A.example.\nmx: a.example\n";
  }
  SUBCASE("512 patterns") {
    body = "version: STSv1\nmode: enforce\nmax_age: 5\n";
    for (int i = 0; i < 512; ++i) body += "mx: mx" + std::to_string(i) + ".example\n";
  }
  SUBCASE("a pattern of nearly 64 KiB") {
    body =
        "version: STSv1\nmode: enforce\nmax_age: 5\nmx: " + std::string(65000, 'a') + ".example\n";
  }
  const auto policy = sts::parse_policy(body);
  REQUIRE(policy.ok());
  auto row = make_row("example.org");
  auto stored = std::make_shared<sts::StoredPolicy>(*row.policy);
  stored->policy = *policy;
  row.policy = stored;
  const auto record = to_record(row);
  REQUIRE(record.ok());
  const auto back = to_row(*record);
  REQUIRE(back.ok());
  CHECK(*back->policy == *stored);
}

TEST_CASE("C-5 a change to any one field breaks the checksum") {
  const auto record = good();
  CHECK(why_not(record, false).empty());
  const std::vector<std::function<void(Record&)>> damages = {
      [](Record& r) { r.domain = "example.net"; },
      [](Record& r) { r.mode = "testing"; },
      [](Record& r) { ++r.max_age; },
      [](Record& r) { r.mx[0] = 'n'; },
      [](Record& r) { r.line_order = "mvxxa"; },
      [](Record& r) { r.id = "id8"; },
      [](Record& r) { ++r.fetched_at; },
      [](Record& r) { ++r.expires_at; },
      [](Record& r) { ++r.used_at; },
      [](Record& r) { ++r.confirmed_at; },
      [](Record& r) { ++r.tried_at; },
      [](Record& r) { ++r.lapsed_at; },
      [](Record& r) { ++r.failures; },
      [](Record& r) { ++r.checksum; },
  };
  for (const auto& damage : damages) {
    auto damaged = record;
    damage(damaged);
    CHECK(why_not(damaged, false) == "wrong checksum");
    CHECK(why_not(damaged) == "");
  }
}

TEST_CASE("C-5 the checksum is the one that SCHEMA.md describes") {
  const Record record{.domain = "example.org",
                      .mode = "enforce",
                      .max_age = 86400,
                      .mx = "mx1.example.org *.example.net",
                      .line_order = "vmxxa",
                      .id = "20250101",
                      .fetched_at = 1735689600,
                      .expires_at = 1735776000,
                      .used_at = 1735690000,
                      .confirmed_at = 1735693200,
                      .tried_at = 1735693200,
                      .lapsed_at = 0,
                      .failures = 0,
                      .checksum = 643145188917291290};
  CHECK(checksum_of(record) == record.checksum);
  CHECK(why_not(record, false) == "");
}

TEST_CASE("C-5 octets that pass from one field to the next break the checksum") {
  auto one = good(), other = good();
  one.line_order = "vm";
  one.id = "ab";
  other.line_order = "vma";
  other.id = "b";
  CHECK(checksum_of(one) != checksum_of(other));
}

TEST_CASE("C-5 a record is read strictly, also with a right checksum") {
  struct Case {
    const char* why;
    std::function<void(Record&)> damage;
  };
  const std::vector<Case> cases = {
      {"wrong domain", [](Record& r) { r.domain = ""; }},
      {"wrong domain", [](Record& r) { r.domain = "Example.org"; }},
      {"wrong domain", [](Record& r) { r.domain = "example.org."; }},
      {"wrong domain", [](Record& r) { r.domain = "exa mple.org"; }},
      {"wrong domain", [](Record& r) { r.domain = "b\xc3\xbc.example"; }},
      {"wrong domain", [](Record& r) { r.domain = std::string("a\0b.example", 11); }},
      {"wrong mode", [](Record& r) { r.mode = "Enforce"; }},
      {"wrong mode", [](Record& r) { r.mode = ""; }},
      {"wrong max_age", [](Record& r) { r.max_age = -1; }},
      {"wrong max_age", [](Record& r) { r.max_age = 31557601; }},
      {"wrong mx", [](Record& r) { r.mx = ""; }},
      {"wrong mx", [](Record& r) { r.mx = "mx7.example.org  *.example.org"; }},
      {"wrong mx", [](Record& r) { r.mx = " mx7.example.org *.example.org"; }},
      {"wrong mx", [](Record& r) { r.mx = "mx7.example.org *.example.org "; }},
      {"wrong mx", [](Record& r) { r.mx = "MX7.example.org *.example.org"; }},
      {"wrong mx", [](Record& r) { r.mx = "mx7.example.org. *.example.org"; }},
      {"wrong mx", [](Record& r) { r.mx = "mx7.example.org *"; }},
      {"wrong mx",
       [](Record& r) {
         r.mx = "a.example";
         r.line_order = "vmax";
         for (int i = 0; i < 512; ++i) {
           r.mx += " a.example";
           r.line_order += 'x';
         }
       }},
      {"wrong line_order", [](Record& r) { r.line_order = "vmxa"; }},
      {"wrong line_order", [](Record& r) { r.line_order = "vmxxxa"; }},
      {"wrong line_order", [](Record& r) { r.line_order = "vmxxv"; }},
      {"wrong line_order", [](Record& r) { r.line_order = "vmxxy"; }},
      {"wrong line_order", [](Record& r) { r.line_order = ""; }},
      {"wrong id", [](Record& r) { r.id = ""; }},
      {"wrong id", [](Record& r) { r.id = std::string(33, 'a'); }},
      {"wrong id", [](Record& r) { r.id = "a-b"; }},
      {"wrong time", [](Record& r) { r.fetched_at = -1; }},
      {"wrong time", [](Record& r) { r.expires_at = 253402300800; }},
      {"wrong time", [](Record& r) { r.used_at = -1; }},
      {"wrong time", [](Record& r) { r.confirmed_at = -1; }},
      {"wrong time", [](Record& r) { r.tried_at = -1; }},
      {"wrong time", [](Record& r) { r.lapsed_at = -1; }},
      {"wrong failures", [](Record& r) { r.failures = -1; }},
      {"wrong failures", [](Record& r) { r.failures = 4294967296; }},
  };
  for (const auto& one : cases) {
    auto record = good();
    one.damage(record);
    CHECK(why_not(record) == one.why);
  }
}

TEST_CASE("decisions 17 the extremes of a record are rows") {
  auto record = good();
  record.id = std::string(32, 'Z');
  record.max_age = 31557600;
  record.expires_at = 253402300799;
  record.failures = 4294967295;
  CHECK(why_not(record) == "");
  record.domain = "_x." + std::string(63, 'a') + ".example";
  CHECK(why_not(record) == "");
}

TEST_CASE("decisions 17 what would not load again is refused and not called durable") {
  auto row = make_row("example.org");
  SUBCASE("no policy") { row.policy = nullptr; }
  SUBCASE("no line order") {
    auto stored = std::make_shared<sts::StoredPolicy>(*row.policy);
    stored->policy.line_order.clear();
    row.policy = stored;
  }
  SUBCASE("no id") {
    auto stored = std::make_shared<sts::StoredPolicy>(*row.policy);
    stored->id.clear();
    row.policy = stored;
  }
  SUBCASE("a domain that is none") { row.domain = "not a domain"; }
  const auto record = to_record(row);
  REQUIRE_FALSE(record.ok());
  CHECK(record.error().fault == base::Fault::system);
}

TEST_CASE("decisions 17 a change for one domain with the row of another is refused") {
  CHECK_FALSE(to_records({{"example.net", make_row("example.org")}}).ok());
  CHECK(to_records({{"example.org", make_row("example.org")}, {"example.net", {}}}).ok());
}
