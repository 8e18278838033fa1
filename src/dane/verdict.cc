#include "dane/verdict.h"

#include <algorithm>

namespace tlspolicyd::dane {

AddressVerdict address_verdict(Outcome a, Outcome aaaa) {
  const auto either = [&](Outcome outcome) { return a == outcome || aaaa == outcome; };
  if (either(Outcome::secure)) return AddressVerdict::secure;
  if (either(Outcome::insecure)) return AddressVerdict::insecure;
  if (either(Outcome::error))
    return either(Outcome::denial_insecure) ? AddressVerdict::insecure : AddressVerdict::error;
  return AddressVerdict::no_address;
}

std::string_view name_of(HostState state) {
  switch (state) {
    case HostState::usable: return "usable";
    case HostState::none: return "none";
    case HostState::no_address: return "no-address";
    case HostState::error: return "error";
  }
  return "error";
}

Verdict judge(std::span<const HostFinding> hosts, Mixed mixed) {
  const auto first = [&](HostState state) {
    return std::find_if(hosts.begin(), hosts.end(),
                        [state](const HostFinding& host) { return host.state == state; });
  };
  const bool usable = first(HostState::usable) != hosts.end();
  const bool none = first(HostState::none) != hosts.end();
  if (usable && none && mixed == Mixed::sts) return {Verdict::Kind::sts, {}};
  // D11, D17: Postfix passes over the hosts in error by itself.
  if (usable) return {Verdict::Kind::dane, {}};
  // B-7: whoever can break a look-up must not turn DANE into something weaker.
  if (const auto broken = first(HostState::error); broken != hosts.end())
    return {Verdict::Kind::temporary, "MX host " + broken->host + ": " + broken->why};
  return {Verdict::Kind::sts, {}};
}

bool all_usable(std::span<const HostFinding> hosts) {
  bool any = false;
  for (const auto& host : hosts) {
    if (host.state == HostState::no_address) continue;
    if (host.state != HostState::usable) return false;
    any = true;
  }
  return any;
}

}  // namespace tlspolicyd::dane
