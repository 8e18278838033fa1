#include "net/dns_resolver.h"

#include <algorithm>

#include "net/dns_lookup.h"

namespace tlspolicyd::net {

DnsResolver::DnsResolver(Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      servers_(std::make_shared<const std::vector<base::Endpoint>>(options_.servers)),
      last_probe_(loop.steady()) {
  options_.in_flight = std::max<std::size_t>(options_.in_flight, 1);
}

DnsResolver::~DnsResolver() = default;

base::OperationPtr DnsResolver::resolve(const DnsQuestion& question, Done done) {
  return std::make_unique<DnsLookup>(*this, question, std::move(done));
}

void DnsResolver::set_servers(std::vector<base::Endpoint> servers) {
  if (servers == *servers_) return;
  servers_ = std::make_shared<const std::vector<base::Endpoint>>(std::move(servers));
  preferred_ = 0;
}

std::size_t DnsResolver::first_server() {
  if (preferred_ == 0) return 0;
  const auto now = loop_.steady();
  if (now - last_probe_ < options_.probe_interval) return preferred_;
  last_probe_ = now;
  return 0;
}

void DnsResolver::answered_well(const Servers& servers, std::size_t server) {
  if (servers != servers_ || server == preferred_) return;
  if (preferred_ == 0) last_probe_ = loop_.steady();
  preferred_ = server;
}

bool DnsResolver::trusts(TrustAd setting, const base::Endpoint& server) {
  switch (setting) {
    case TrustAd::automatic: return server.address.is_loopback();
    case TrustAd::yes: return true;
    case TrustAd::no: return false;
  }
  return false;
}

void DnsResolver::give_back_place() {
  --at_work_;
  // In the next turn, so that giving up many questions at once does not first start them.
  if (!waiting_.empty() && !refill_)
    refill_ = loop_.after(base::milliseconds(0), [this] { start_waiting(); });
}

void DnsResolver::start_waiting() {
  refill_.reset();
  while (at_work_ < options_.in_flight && !waiting_.empty()) {
    auto* next = waiting_.front();
    waiting_.pop_front();
    next->start();
  }
}

}  // namespace tlspolicyd::net
