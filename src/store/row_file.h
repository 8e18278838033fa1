#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"
#include "store/state_file.h"
#include "store/store.h"

namespace tlspolicyd::store {

/// Why a store does not take writes now.
struct OpenFailure {
  enum class Kind {
    in_use,       ///< another process has the file open: two daemons must not share one
    unavailable,  ///< the file cannot be made, opened, read or written now; this may pass
  };
  Kind kind;
  std::string text;  ///< names the file; for people
};

/// What came of opening a store.
struct Opened {
  /// Also of a file that can be read but not written; empty if it cannot be read.
  Contents contents;
  std::optional<OpenFailure> failure;
};

/// The rows in their file, whatever happens to it: opens it, sets aside what is not ours, saves
/// what can be saved of a damaged one, begins a new one, and does so again after it was lost.
/// Blocks; for one thread at a time.
class RowFile {
 public:
  /// Nothing is touched before open() or write().
  explicit RowFile(std::string path) : file_(std::move(path)) {}

  /// Opens and loads. Another process that has the file open is waited for up to `patience`. A file
  /// that cannot be written is read from a copy. REQUIRES: not open.
  Opened open(base::milliseconds patience);

  /// What came of writing.
  struct Written {
    /// One for each group: nothing if it is durable now.
    std::vector<std::optional<base::Error>> outcomes;
    /// Set if the file had to be opened (again): what it held before the changes.
    std::optional<Contents> reopened;
  };

  /// Makes the changes of all groups in one transaction. A group that holds what cannot be stored
  /// is left out; otherwise all fail or none. Opens the file first if it is not open, or no longer
  /// the one that has the name.
  Written write(std::span<const std::vector<Change>> groups);

  void close() { database_.close(); }

 private:
  enum class Unwritable { read_copy, give_up };
  Opened open(base::milliseconds patience, Unwritable unwritable);
  Failure open_and_read(base::milliseconds patience, Reading& reading);
  Failure rewrite(const std::vector<Row>& rows, const std::string& path);
  std::optional<base::Error> replace(const std::vector<Row>& rows, std::string& old);
  std::optional<OpenFailure> heal(const Failure& failure, Reading& reading,
                                  std::vector<std::string>& losses);
  void read_copy(Opened& opened) const;
  Failure confirm_writable();
  Failure commit(std::span<const RecordChange> records);
  void close_if_moved();
  OpenFailure unavailable(std::string_view why) const;

  StateFile file_;
  Database database_;
  std::optional<FileIdentity> identity_;      ///< of the open file
  std::optional<FileIdentity> log_identity_;  ///< of its log
  std::optional<FileIdentity> suspect_;       ///< was found damaged while it was open
};

}  // namespace tlspolicyd::store
