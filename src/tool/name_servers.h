#pragma once

#include "config/config.h"
#include "net/resolv_conf.h"

namespace tlspolicyd::tool {

/// What resolv.conf(5) of this machine says.
net::ResolvConf system_name_servers();

/// The resolver as the daemon has it with this configuration: without servers of its own, those of
/// resolv.conf(5).
net::DnsResolver::Options resolver_options(const config::Config& config);

}  // namespace tlspolicyd::tool
