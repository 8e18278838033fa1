#pragma once

#include "config/config.h"
#include "tool/doctor_facts.h"

/// Looks at this machine: files, programs, the daemon's endpoints. Blocks, some seconds at most for
/// each; changes nothing; what this user may not see is told as such.
namespace tlspolicyd::tool {

/// Asks the running daemon what it goes by, where `admin` says, or by default where the file does.
/// `config_path` is its configuration file, "" for the usual place.
ConfigurationFacts look_at_configuration(const std::string& config_path,
                                         const std::optional<net::ListenAddress>& admin);

DaemonFacts look_at_daemon(const ConfigurationFacts& configuration);
PostfixFacts look_at_postfix(const config::Config& config, const std::string& directory);
TrustFacts look_at_trust(const config::Config& config);
MachineFacts look_at_machine(const ConfigurationFacts& configuration);

}  // namespace tlspolicyd::tool
