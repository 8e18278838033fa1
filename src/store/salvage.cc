#include "store/salvage.h"

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "store/private_copy.h"
#include "store/raw_pages.h"

namespace tlspolicyd::store {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Brings the pages of the log into the file; where SQLite does not even open it, they stay out.
void write_log_into(const std::string& path) {
  Connection connection;
  if (connection.open(path, base::milliseconds(0))) return;
  // With a writable schema SQLite also opens a file that is shorter than its header says.
  if (connection.run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA writable_schema=ON")) return;
  // The log is not looked for before something is read; that this may fail does not matter.
  connection.run("SELECT count(*) FROM sqlite_schema");
  sqlite3_wal_checkpoint_v2(connection.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                            nullptr);
}

std::string image_of(const std::string& path) {
  const auto copy = PrivateCopy::of(path);
  // Without room for a copy, what is in the file alone is better than nothing.
  if (!copy) return bytes_of(path);
  write_log_into(copy->path());
  return bytes_of(copy->path());
}

bool is_newer(const Row& row, const Row& other) {
  return std::tie(row.policy->fetched_at, row.upkeep.used_at) >
         std::tie(other.policy->fetched_at, other.upkeep.used_at);
}

}  // namespace

Reading salvage(const std::string& path) {
  std::map<std::string, Row> rows;
  std::map<std::string, std::string> bad;
  for_each_record(image_of(path), [&](const Record& record) {
    auto row = to_row(record);
    if (!row) {
      bad.emplace(record.domain, row.error().text);
      return;
    }
    const auto [known, is_first] = rows.try_emplace(record.domain, *row);
    if (!is_first && is_newer(*row, known->second)) known->second = std::move(*row);
  });
  Reading reading;
  for (auto& [domain, row] : rows) reading.rows.push_back(std::move(row));
  for (const auto& [domain, why] : bad)
    if (!rows.contains(domain)) reading.bad.push_back(base::printable(domain, 80) + ": " + why);
  return reading;
}

}  // namespace tlspolicyd::store
