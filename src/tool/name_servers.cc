#include "tool/name_servers.h"

#include "net/loop.h"
#include "net/resolv_conf.h"

namespace tlspolicyd::tool {

std::vector<base::Endpoint> system_name_servers() {
  net::Loop loop;
  return net::ResolvConfWatch(loop, net::kResolvConf, [](auto) {}).servers();
}

net::DnsResolver::Options resolver_options(const config::Config& config) {
  auto options = config.resolver;
  if (options.servers.empty()) options.servers = system_name_servers();
  return options;
}

}  // namespace tlspolicyd::tool
