#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "config/section.h"

namespace tlspolicyd::config {

/// The one document of a text, null if it is empty. What is no YAML becomes a mistake at its line,
/// in words for who has written the file; then there is nothing (an undefined node). Of several
/// documents it is the first.
YAML::Node read_yaml(const std::string& text, Mistakes& mistakes);

}  // namespace tlspolicyd::config
