#pragma once

#include "config/config.h"
#include "explain/explanation.h"

namespace tlspolicyd::tool {

/// `tlspolicy explain --connect`: probes the MX hosts of the explanation over this host's own
/// network, some at a time, and writes what came of it into the explanation. Where mail is
/// protected and no host would be accepted, its outcome becomes `deferred`.
/// Throws std::runtime_error if the trust store cannot be used.
void probe_hosts(const config::Config& config, explain::Explanation& explanation);

}  // namespace tlspolicyd::tool
