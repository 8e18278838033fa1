#include "net/dns_resolver.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "net/dns_lookup.h"

namespace tlspolicyd::net {

DnsResolver::DnsResolver(Loop& loop, Options options) : loop_(loop), places_(loop) {
  set_options(std::move(options));
}

DnsResolver::~DnsResolver() = default;

base::OperationPtr DnsResolver::resolve(const DnsQuestion& question, Done done) {
  return std::make_unique<DnsLookup>(*this, question, std::move(done));
}

void DnsResolver::set_servers(std::vector<base::Endpoint> servers) {
  if (servers != servers_->list()) use(std::move(servers));
}

void DnsResolver::set_options(Options options) {
  places_.set_limit(options.in_flight);
  const bool same_servers =
      servers_ && options.servers == servers_->list() && options.trust_ad == options_->trust_ad;
  options_ = std::make_shared<const Options>(std::move(options));
  // What is known of servers that stay, such as which of them is dead, stays.
  if (!same_servers) use(options_->servers);
}

void DnsResolver::use(std::vector<base::Endpoint> servers) {
  std::vector<base::Endpoint> trusted;
  std::copy_if(servers.begin(), servers.end(), std::back_inserter(trusted),
               [this](const auto& server) { return trusts(options_->trust_ad, server); });
  const bool mixed = !trusted.empty() && trusted.size() < servers.size();
  const auto now = loop_.steady();
  servers_ = std::make_shared<DnsServers>(std::move(servers), false, now);
  validating_ = mixed ? std::make_shared<DnsServers>(std::move(trusted), true, now) : servers_;
}

bool DnsResolver::trusts(TrustAd setting, const base::Endpoint& server) {
  switch (setting) {
    case TrustAd::automatic: return server.address.is_loopback() && !is_stub(server.address);
    case TrustAd::yes: return true;
    case TrustAd::no: return false;
  }
  return false;
}

bool DnsResolver::is_stub(const base::Address& server) {
  const auto bytes = server.bytes();
  constexpr std::array<std::uint8_t, 3> kLocal{127, 0, 0};
  if (server.family() != base::Address::Family::v4 ||
      !std::equal(kLocal.begin(), kLocal.end(), bytes.begin()))
    return false;
  return bytes[3] == 53 || bytes[3] == 54 || bytes[3] == 11;
}

}  // namespace tlspolicyd::net
