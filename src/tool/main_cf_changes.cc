#include "tool/main_cf_changes.h"

namespace tlspolicyd::tool {

std::vector<MainCfChange> changes(const MainCf& wanted, const Settings& written) {
  std::vector<MainCfChange> found;
  for (const auto& line : wanted.lines) {
    const auto old = written.find(line.name);
    if (old == written.end()) {
      found.push_back({line.name, line.value, {}});
    } else if (old->second != line.value) {
      found.push_back({line.name, line.value, old->second});
    }
  }
  return found;
}

}  // namespace tlspolicyd::tool
