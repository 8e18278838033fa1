#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace tlspolicyd::config {

/// One key of the configuration file, as it would have to be written there.
struct Setting {
  std::string section;  ///< "" for a key of the file itself
  std::string key;
  std::string value;      ///< YAML in flow style, on one line
  std::string remark{};   ///< for people
  bool at_start = false;  ///< a reload does not change it

  /// "resolver.servers".
  std::string name() const { return section.empty() ? key : section + "." + key; }
  bool operator==(const Setting&) const = default;
};

/// All keys there are, in the order of tlspolicyd.yaml(5), with what this configuration says.
/// read_config() of text_of() makes the same configuration again.
std::vector<Setting> settings_of(const Config& config);

/// The text of a file that says so.
std::string text_of(const std::vector<Setting>& settings);

/// The settings of `after` that are others than in `before`.
std::vector<Setting> changes(const Config& before, const Config& after);

}  // namespace tlspolicyd::config
