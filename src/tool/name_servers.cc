#include "tool/name_servers.h"

#include "net/loop.h"

namespace tlspolicyd::tool {

net::ResolvConf system_name_servers() {
  net::Loop loop;
  const net::ResolvConfWatch watch(loop, net::kResolvConf, [](auto) {});
  return {watch.servers(), watch.problems()};
}

net::DnsResolver::Options resolver_options(const config::Config& config) {
  auto options = config.resolver;
  if (options.servers.empty()) options.servers = system_name_servers().servers;
  return options;
}

}  // namespace tlspolicyd::tool
