#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tool/main_cf.h"

namespace tlspolicyd::tool {

/// A line that is not in main.cf as it should be.
struct MainCfChange {
  std::string name;
  std::string value;
  std::optional<std::string> was;  ///< nothing: main.cf did not set it
};

/// What the lines change in the main.cf that has these settings.
std::vector<MainCfChange> changes(const MainCf& wanted, const Settings& written);

}  // namespace tlspolicyd::tool
