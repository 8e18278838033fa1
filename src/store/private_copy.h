#pragma once

#include <string>

#include "base/result.h"

namespace tlspolicyd::store {

/// A copy of a SQLite file and its log in a temporary directory of its own (mode 0700), for a disk
/// that cannot be written: SQLite reads no file with a write-ahead log there. Removed at its end.
class PrivateCopy {
 public:
  /// In memory if there is room (/dev/shm), else in a directory for temporary files.
  /// Error: Fault::system. REQUIRES: the file is not open.
  static base::Result<PrivateCopy> of(const std::string& path);

  PrivateCopy(PrivateCopy&& other) noexcept;
  PrivateCopy& operator=(PrivateCopy&&) = delete;
  ~PrivateCopy();

  std::string path() const { return directory_ + "/copy"; }

 private:
  explicit PrivateCopy(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;  ///< "" once moved from
};

}  // namespace tlspolicyd::store
