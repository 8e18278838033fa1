#include "store/private_copy.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace tlspolicyd::store {
namespace fs = std::filesystem;

base::Result<PrivateCopy> PrivateCopy::of(const std::string& path) {
  const auto read_write = fs::perms::owner_read | fs::perms::owner_write;
  std::error_code error;
  for (const std::string_view place : {"/dev/shm", "/tmp", "/var/tmp"}) {
    const auto real = fs::canonical(place, error);
    if (error) continue;
    auto name = (real / "tlspolicyd-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      error.assign(errno, std::generic_category());
      continue;
    }
    PrivateCopy copy(name);
    std::error_code absent;
    const bool has_log = fs::exists(path + "-wal", absent);
    if (!fs::copy_file(path, copy.path(), error)) continue;
    if (has_log && !fs::copy_file(path + "-wal", copy.path() + "-wal", error)) continue;
    // Else the copy of a file that cannot be written could not be either.
    fs::permissions(copy.path(), read_write, error);
    if (has_log) fs::permissions(copy.path() + "-wal", read_write, error);
    return copy;
  }
  return base::Error{base::Fault::system, fmt::format("cannot copy {}: {}", path, error.message())};
}

PrivateCopy::PrivateCopy(PrivateCopy&& other) noexcept
    : directory_(std::exchange(other.directory_, {})) {}

PrivateCopy::~PrivateCopy() {
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

}  // namespace tlspolicyd::store
