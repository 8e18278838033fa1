#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tlspolicyd::store {

/// Which file it is that has a name now.
struct FileIdentity {
  dev_t device;
  ino_t inode;
  bool operator==(const FileIdentity&) const = default;
};

/// Of the file itself, not of what a symbolic link points to; nothing if there is none.
std::optional<FileIdentity> identity_of(const std::string& path);

/// The names in the file system that make up one SQLite file: the file, its -wal and -journal; and
/// what befalls them. Opens none of them but new ones: to close a file that SQLite has open gives
/// up its locks (POSIX).
///
/// Errors are of Fault::system, with a text for people.
class StateFile {
 public:
  /// `path` is the name as configured; nothing is touched yet.
  explicit StateFile(std::string path) : given_path_(std::move(path)), path_(given_path_) {}

  /// Makes all names such as they must be: the directory safe, the file a regular one of the
  /// effective user alone, mode 0600, empty if there was none. What cannot be ours is set aside,
  /// and `losses` told. A replacement that a crash interrupted is finished. REQUIRES: the file is
  /// not open.
  std::optional<base::Error> prepare(std::vector<std::string>& losses);

  /// With its directory resolved, once prepare() has succeeded.
  const std::string& path() const { return path_; }
  std::string log_path() const { return path_ + "-wal"; }

  void remove_log();

  /// Renames the file and what belongs to it to `<path>.unreadable-<time>`, where nothing was
  /// before. The new name.
  base::Result<std::string> set_aside();

  /// Begins a file that shall take the place of this one: empty, mode 0600. Its path.
  base::Result<std::string> begin_replacement();
  /// Puts it there, and this one aside; whatever crash comes between, the next prepare() finds
  /// either the old or the new one whole. The name of the old one.
  /// REQUIRES: the replacement is complete, closed, and has no -wal.
  base::Result<std::string> finish_replacement();

 private:
  std::string new_path() const { return path_ + ".new"; }
  std::string draft_path() const { return path_ + ".draft"; }
  void remove_draft();
  base::Result<std::string> put_new_in_place();
  std::optional<base::Error> check(std::string_view suffix, std::vector<std::string>& losses);
  base::Result<std::string> set_aside(const std::vector<std::string_view>& suffixes);

  std::string given_path_;
  std::string path_;
};

}  // namespace tlspolicyd::store
