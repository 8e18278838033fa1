#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace tlspolicyd::store {

/// A Row as the columns of the table hold it, in their order. Times in seconds since 1970.
struct Record {
  std::string domain;
  std::string mode;
  std::int64_t max_age = 0;
  std::string mx;  ///< the patterns in the order of the file, one space between
  std::string line_order;
  std::string id;
  std::int64_t fetched_at = 0;
  std::int64_t expires_at = 0;
  std::int64_t used_at = 0;
  std::int64_t confirmed_at = 0;
  std::int64_t tried_at = 0;
  std::int64_t lapsed_at = 0;
  std::int64_t failures = 0;
  std::int64_t checksum = 0;

  bool operator==(const Record&) const = default;
};

/// What the checksum of this record must be, whatever it says: FNV-1a of 64 bits over all other
/// fields, see SCHEMA.md. It finds damage, not forgery.
std::int64_t checksum_of(const Record& record);

/// The record of this row, its checksum set. Error: Fault::system if it would not read back as an
/// equal row, which is a bug of whoever made the row.
base::Result<Record> to_record(const Row& row);

/// The row of a record, read strictly: one that to_record() did not write is an error,
/// Fault::invalid, with a text that says which field is wrong.
base::Result<Row> to_row(const Record& record);

/// `domain` gets this record or, without one, loses what it has.
struct RecordChange {
  std::string domain;
  std::optional<Record> record;
};

/// Error: that of the first row that has no record.
base::Result<std::vector<RecordChange>> to_records(const std::vector<Change>& changes);

}  // namespace tlspolicyd::store
