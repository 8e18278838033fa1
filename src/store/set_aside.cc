#include "store/set_aside.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace tlspolicyd::store {
namespace fs = std::filesystem;

std::vector<std::string> set_aside_beside(const std::string& path) {
  std::vector<std::string> found;
  std::error_code error;
  const auto prefix = fs::path(path).filename().string() + ".unreadable-";
  auto at = fs::directory_iterator(fs::path(path).parent_path(), error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto name = at->path().filename().string();
    // Its log goes with the file.
    if (name.starts_with(prefix) && !name.ends_with("-wal") && !name.ends_with("-journal"))
      found.push_back(at->path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tlspolicyd::store
