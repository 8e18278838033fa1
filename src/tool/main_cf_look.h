#pragma once

#include <string>

#include "config/config.h"
#include "tool/main_cf.h"
#include "tool/postconf.h"

namespace tlspolicyd::tool {

/// The system's bundle of CA certificates, "" if there is none that can be read.
std::string find_bundle();

/// Looks at the installed Postfix and at the daemon. Blocks; errors are those of Postconf.
base::Result<MainCfFacts> look_at_main_cf(const Postconf& postconf, const config::Config& config);

}  // namespace tlspolicyd::tool
