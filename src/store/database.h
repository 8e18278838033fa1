#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/connection.h"
#include "store/record.h"

namespace tlspolicyd::store {

/// What a database holds: its rows, and what is not one.
struct Reading {
  std::vector<Row> rows;
  /// Records that do not read as rows, as "domain: why", printable.
  std::vector<std::string> bad;
};

/// The policy database in its file, open or closed. Blocks; for one thread at a time.
///
/// While it is open no other process can use the file: it is locked exclusively, which also spares
/// the shared-memory file (-shm) of SQLite's write-ahead log. A write that has returned without
/// failure survives a crash of the machine (synchronous=FULL).
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { close(); }

  /// Opens the file, makes the table in an empty one, and checks that the whole is sound. Nothing
  /// of a file that is not ours is changed. After a failure it is closed. REQUIRES: the file
  /// exists.
  Failure open(const std::string& path, base::milliseconds patience);
  bool is_open() const { return connection_.is_open(); }

  /// All that the table holds.
  Failure read(Reading& reading);

  /// Makes the changes in their order, all or none, and durable.
  Failure write(std::span<const RecordChange> changes);

  /// Makes a change that means nothing: fails as a write would.
  Failure probe();

  /// Writes the log into the database and empties it. After an error of the disk nobody knows what
  /// of the log has reached it (a failed fsync is not repeated by the kernel), so that what is
  /// there at an opening must not stay in the log.
  Failure checkpoint();

  void close();
  /// Closes a file that is not to be touched any more.
  void close_untouched();

 private:
  Failure check_identity(bool& empty);
  Failure create_table();
  Failure check_soundness();
  Failure prepare();
  Failure apply(const RecordChange& change);
  Failure in_transaction(std::span<const RecordChange> changes);
  Failure execute(Statement& statement);
  void finish_statements();

  Connection connection_;
  Statement begin_, commit_, put_, remove_, touch_;
};

}  // namespace tlspolicyd::store
