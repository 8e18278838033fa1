#include "store/raw_pages.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

std::map<std::string, Record> records_in(const std::string& image) {
  std::map<std::string, Record> records;
  for_each_record(image, [&](const Record& record) { records[record.domain] = record; });
  return records;
}

/// A row with so many patterns that it does not fit into one page.
Row long_row(const std::string& domain, unsigned patterns) {
  auto row = make_row(domain, patterns);
  auto stored = std::make_shared<sts::StoredPolicy>(*row.policy);
  std::string body = "version: STSv1\nmode: testing\nmax_age: 1\n";
  for (unsigned i = 0; i < patterns; ++i)
    body += "mx: " + std::string(60, 'a') + std::to_string(i) + ".example\n";
  stored->policy = *sts::parse_policy(body);
  row.policy = stored;
  return row;
}

}  // namespace

TEST_CASE("decisions 18 the pages of a sound file give every record, also those of many pages") {
  Scratch scratch;
  auto changes = puts(0, 300);
  for (const unsigned patterns : {1U, 12U, 13U, 14U, 50U, 51U, 52U, 53U, 200U, 512U})
    changes.push_back(put(long_row("long" + std::to_string(patterns) + ".example", patterns)));
  // Values at the edges of every length that an integer is stored with.
  unsigned number = 0;
  for (const std::int64_t time : {0LL, 1LL, 127LL, 128LL, 32767LL, 32768LL, 8388607LL, 8388608LL,
                                  2147483647LL, 2147483648LL, 253402300799LL}) {
    auto row = make_row("edge" + std::to_string(number++) + ".example");
    row.upkeep.tried_at = at(time);
    changes.push_back(put(row));
  }
  REQUIRE(fill(scratch.file(), changes).empty());
  const auto records = records_in(bytes_of(scratch.file()));
  CHECK(records.size() == changes.size());
  unsigned wrong = 0;
  for (const auto& change : changes) {
    const auto found = records.find(change.domain);
    if (found == records.end() || found->second != *to_record(*change.row)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("decisions 18 deleted and replaced rows are not found in the pages") {
  Scratch scratch;
  {
    StoreWorld world(scratch.file());
    REQUIRE_FALSE(world.write(puts(0, 1000)));
    std::vector<Change> changes;
    for (unsigned i = 0; i < 1000; ++i) changes.push_back(i % 5 == 0 ? put(i, 5000 + i) : drop(i));
    REQUIRE_FALSE(world.write(changes));
  }
  const auto image = bytes_of(scratch.file());
  CHECK(records_in(image).size() == 200);
  // Nor anywhere else, whatever a damaged page might make of it.
  CHECK(image.find("d7.example") == std::string::npos);
}

TEST_CASE("decisions 18 no content of a file can mislead the reader of its pages") {
  Scratch scratch;
  auto changes = puts(0, 200);
  changes.push_back(put(long_row("long.example", 512)));
  REQUIRE(fill(scratch.file(), changes).empty());
  const auto image = bytes_of(scratch.file());
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    auto damaged = image;
    for (int i = 0; i < 200; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    damaged.resize(damaged.size() - random() % 5000);
    unsigned good = 0;
    for_each_record(damaged, [&](const Record& record) { good += to_row(record).ok(); });
    CHECK(good <= changes.size());
  }
  for (const std::size_t size : {0U, 1U, 16U, 18U, 100U, 4095U, 4096U, 4097U, 8191U, 8192U})
    records_in(std::string(size, '\x0a'));
}
