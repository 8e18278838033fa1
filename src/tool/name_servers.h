#pragma once

#include <vector>

#include "config/config.h"

namespace tlspolicyd::tool {

/// Those of resolv.conf(5).
std::vector<base::Endpoint> system_name_servers();

/// The resolver as the daemon has it with this configuration: without servers of its own, those of
/// resolv.conf(5).
net::DnsResolver::Options resolver_options(const config::Config& config);

}  // namespace tlspolicyd::tool
