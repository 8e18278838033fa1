#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/domain_name.h"
#include "base/result.h"
#include "net/dns.h"

namespace tlspolicyd::service {

/// The MX hosts of a domain, as RFC 5321 section 5.1 finds them.
struct MxHosts {
  std::vector<std::string> names;  ///< by preference; lower case, no final dot, each once
  bool authenticated = false;      ///< the RRset, or its denial, was validated by DNSSEC
  base::SteadyTime until{};        ///< as long as the DNS allows, a minute to an hour
};

using MxResult = base::Result<std::shared_ptr<const MxHosts>>;

/// Reads the answer to an MX question that came `now`. A domain without MX records is its own MX
/// host (implicit MX); a null MX (RFC 7505) and targets that are no host names give no name.
MxHosts mx_hosts_of(const base::DomainName& domain, const net::DnsAnswer& answer,
                    base::SteadyTime now);

}  // namespace tlspolicyd::service
