#pragma once

#include <cstdint>
#include <string_view>

#include "store/connection.h"
#include "store/record.h"

/// The table, and what makes a SQLite file ours; SCHEMA.md describes both for people.
namespace tlspolicyd::store {

/// PRAGMA application_id: "TLSP" in ASCII.
inline constexpr std::int64_t kApplicationId = 0x544c5350;

/// PRAGMA user_version. A file with a newer one is not ours to read.
inline constexpr std::int64_t kSchemaVersion = 1;

/// Word for word as sqlite_schema keeps it.
inline constexpr char kCreateTable[] = R"(CREATE TABLE policy (
  domain TEXT NOT NULL PRIMARY KEY CHECK (length(domain) BETWEEN 1 AND 253),
  mode TEXT NOT NULL CHECK (mode IN ('enforce', 'testing', 'none')),
  max_age INTEGER NOT NULL CHECK (max_age BETWEEN 0 AND 31557600),
  mx TEXT NOT NULL CHECK (mx <> '' OR mode = 'none'),
  line_order TEXT NOT NULL CHECK (length(line_order) BETWEEN 3 AND 515),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 32),
  fetched_at INTEGER NOT NULL CHECK (fetched_at BETWEEN 0 AND 253402300799),
  expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799),
  used_at INTEGER NOT NULL CHECK (used_at BETWEEN 0 AND 253402300799),
  confirmed_at INTEGER NOT NULL CHECK (confirmed_at BETWEEN 0 AND 253402300799),
  tried_at INTEGER NOT NULL CHECK (tried_at BETWEEN 0 AND 253402300799),
  lapsed_at INTEGER NOT NULL CHECK (lapsed_at BETWEEN 0 AND 253402300799),
  failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID)";

/// The columns in the order of the table, which is that of Record.
inline constexpr std::string_view kColumns =
    "domain, mode, max_age, mx, line_order, id, fetched_at, expires_at, used_at, confirmed_at, "
    "tried_at, lapsed_at, failures, checksum";

/// The record that the statement stands on. REQUIRES: it selects kColumns, and gave a row.
Record record_in(const Statement& statement);

/// Binds parameters 1 to 14 to the fields in the order of kColumns; the record must stay until the
/// statement's reset().
void bind_record(Statement& statement, const Record& record);

}  // namespace tlspolicyd::store
