#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/deleter.h"

/// The one place that knows SQLite's handles and codes. Everything here blocks, and is used by one
/// thread at a time.
namespace tlspolicyd::store {

/// What a failure asks of whoever holds the file.
enum class Trouble {
  in_use,   ///< another process has the file open
  foreign,  ///< this is a database, and not ours
  damaged,  ///< this is no database, or not a sound one
  refused,  ///< no room on the disk, no memory: the connection is good, the change is not made
  lost,     ///< the file can no longer be read or written: the connection must be given up
};

struct DatabaseError {
  Trouble trouble;
  std::string text;  ///< SQLite's words, with those of the operating system where it has some
};

/// Nothing if all went well.
using Failure = std::optional<DatabaseError>;

/// A SQLite connection to a file that exists, and that is not a symbolic link.
class Connection {
 public:
  /// Opens for reading and writing. Other processes are waited for as long as `patience`, here and
  /// in later calls. A file that cannot be written is Trouble::lost.
  Failure open(const std::string& path, base::milliseconds patience);

  /// Closes; a healthy one that is the last writes the log (-wal) into the database and removes it.
  void close() { handle_.reset(); }
  /// Closes and leaves the files as they are.
  void close_untouched();

  bool is_open() const { return handle_ != nullptr; }
  sqlite3* handle() const { return handle_.get(); }

  /// Runs statements for their effect.
  Failure run(const char* sql);
  /// Runs one statement that gives a row; `answer` gets its first column.
  Failure ask(const char* sql, std::string& answer);
  Failure ask(const char* sql, std::int64_t& answer);

  /// What the last call failed with.
  DatabaseError last_error() const;

 private:
  std::unique_ptr<sqlite3, base::Deleter<sqlite3_close_v2>> handle_;
};

/// A prepared statement. Its connection must outlive it.
class Statement {
 public:
  enum class Step { row, done, failed };

  Failure prepare(const Connection& connection, std::string_view sql);
  bool is_prepared() const { return handle_ != nullptr; }
  void finish() { handle_.reset(); }

  /// Parameters count from 1. The text must stay until reset().
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::int64_t number);
  Step step();
  void reset() { sqlite3_reset(handle_.get()); }

  /// Columns count from 0. The text stays until the next step() or reset().
  std::string_view text(int column) const;
  std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

 private:
  std::unique_ptr<sqlite3_stmt, base::Deleter<sqlite3_finalize>> handle_;
};

}  // namespace tlspolicyd::store
