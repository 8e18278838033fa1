#pragma once

#include <string>

#include "config/config.h"
#include "tool/explanation.h"

namespace tlspolicyd::tool {

/// `tlspolicy explain`, standalone: walks through every step of the decision for the next-hop `key`
/// with the configured resolver and HTTPS client, in the order in which the daemon takes them.
/// Throws std::runtime_error if the configuration cannot be used (unreadable CA file).
Explanation explain(const config::Config& config, const std::string& key);

}  // namespace tlspolicyd::tool
