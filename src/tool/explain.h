#pragma once

#include <string>

#include "config/config.h"
#include "explain/explanation.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {

/// `tlspolicy explain`, standalone: what a daemon with this configuration that knows nothing yet
/// would answer for the next-hop `key`, over this host's own network, and why. `wants_mx`: look the
/// MX hosts up, whatever the answer. Throws std::runtime_error if the configuration cannot be used
/// (unreadable CA file).
explain::Explanation explain(const config::Config& config, const std::string& key, bool wants_mx);

/// 0, 1, 2, 75, as `tlspolicy explain --help` says.
ExitCode exit_code_of(explain::Outcome outcome);

}  // namespace tlspolicyd::tool
