#include "tool/name_servers.h"

#include "net/loop.h"
#include "net/resolv_conf.h"

namespace tlspolicyd::tool {

net::DnsResolver::Options resolver_options(const config::Config& config) {
  auto options = config.resolver;
  if (!options.servers.empty()) return options;
  net::Loop loop;
  options.servers = net::ResolvConfWatch(loop, net::kResolvConf, [](auto) {}).servers();
  return options;
}

}  // namespace tlspolicyd::tool
