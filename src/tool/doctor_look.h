#pragma once

#include "config/config.h"
#include "tool/doctor_facts.h"

/// Looks at this machine: files, programs, the daemon's endpoints. Blocks, some seconds at most for
/// each; changes nothing; what this user may not see is told as such.
namespace tlspolicyd::tool {

/// `config_path` is the daemon's configuration file, "" for the usual place.
ConfigurationFacts look_at_configuration(const std::string& config_path, config::Config& config);

DaemonFacts look_at_daemon(const config::Config& config, const std::string& config_path);
PostfixFacts look_at_postfix(const config::Config& config, const std::string& directory);
TrustFacts look_at_trust(const config::Config& config);
MachineFacts look_at_machine(const config::Config& config);

}  // namespace tlspolicyd::tool
