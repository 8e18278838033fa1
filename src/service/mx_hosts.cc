#include "service/mx_hosts.h"

#include <algorithm>

#include "sts/lifecycle.h"

namespace tlspolicyd::service {

MxHosts mx_hosts_of(const base::DomainName& domain, const net::DnsAnswer& answer,
                    base::SteadyTime now) {
  MxHosts hosts{.names = {},
                .authenticated = answer.authenticated,
                .until = now + sts::Timing::believed(answer.ttl)};
  if (answer.kind != net::DnsAnswer::Kind::records) {
    hosts.names.push_back(domain.text());
    return hosts;
  }
  for (const auto& mx : answer.mx) {
    if (mx.exchange.empty()) continue;
    if (std::find(hosts.names.begin(), hosts.names.end(), mx.exchange) == hosts.names.end())
      hosts.names.push_back(mx.exchange);
  }
  return hosts;
}

}  // namespace tlspolicyd::service
