#pragma once

#include <string>

#include "config/config.h"
#include "config/section.h"

namespace tlspolicyd::config {

/// What a file says: a configuration, and the mistakes that forbid using it.
struct ReadConfig {
  Config config;
  Mistakes mistakes;
};

/// Reads the text of a configuration file (tlspolicyd.yaml(5)). Finds all mistakes at once: unknown
/// and double keys, wrong types, impossible values.
ReadConfig read_config(const std::string& text);

/// Reads a file. One that cannot be read is a mistake without line.
ReadConfig read_config_file(const std::string& path);

}  // namespace tlspolicyd::config
