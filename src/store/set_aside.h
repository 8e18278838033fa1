#pragma once

#include <string>
#include <vector>

namespace tlspolicyd::store {

/// Files that were set aside from `path` and are still there, see SCHEMA.md: losses that nobody has
/// looked at yet. In the order of their times; empty if the directory cannot be read.
std::vector<std::string> set_aside_beside(const std::string& path);

}  // namespace tlspolicyd::store
