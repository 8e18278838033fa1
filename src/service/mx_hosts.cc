#include "service/mx_hosts.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "service/mx_matcher.h"

namespace tlspolicyd::service {
namespace {

/// A TTL has whole seconds: what is left of it at the resolver may be up to a second less. Held for
/// longer, the set would outlast the one that Postfix gets from the same resolver.
base::seconds held_for(base::seconds ttl) {
  return std::clamp(ttl - base::seconds{1}, base::seconds{0}, MxHosts::kMaxAge);
}

}  // namespace

MxHosts mx_hosts_of(const base::DomainName& domain, const net::DnsAnswer& answer,
                    base::SteadyTime now) {
  MxHosts hosts{.names = {},
                .authenticated = answer.authenticated,
                .seen = now,
                .until = now + held_for(answer.ttl)};
  if (answer.kind != net::DnsAnswer::Kind::records) {
    hosts.names.push_back(domain.text());
    return hosts;
  }
  std::unordered_set<std::string_view> known;
  for (const auto& mx : answer.mx)
    if (!mx.exchange.empty() && known.insert(mx.exchange).second)
      hosts.names.push_back(mx.exchange);
  if (hosts.names.size() > MxHosts::kMaxKeptNames) hosts.until = now;
  return hosts;
}

std::shared_ptr<const MxHosts> outdated(const MxHosts& hosts) {
  auto copy = hosts;
  copy.authenticated = false;
  copy.until = {};
  return std::make_shared<const MxHosts>(std::move(copy));
}

void note_earlier(MxHosts& hosts, const MxHosts& before, const sts::Policy& policy) {
  const MxMatcher matcher(policy.mx);
  std::unordered_set<std::string_view> present(hosts.names.begin(), hosts.names.end());
  std::vector<MxHosts::Earlier> earlier;
  const auto note = [&](const std::string& name, base::SteadyTime seen) {
    if (earlier.size() == MxHosts::kMaxEarlier || hosts.seen - seen > MxHosts::kEarlierAge) return;
    if (matcher.allows(name) && present.insert(name).second) earlier.push_back({name, seen});
  };
  for (const auto& name : before.names) note(name, before.seen);
  for (const auto& [name, seen] : before.earlier) note(name, seen);
  hosts.earlier = std::move(earlier);
}

}  // namespace tlspolicyd::service
