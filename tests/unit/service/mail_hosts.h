#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fakes/fake_network.h"
#include "service/dane_hosts.h"

namespace tlspolicyd::service {

using base::milliseconds;
using base::seconds;

inline base::DomainName name(const std::string& text) {
  return base::DomainName::parse(text).value();
}

/// A signed DNS in which some MX hosts have addresses and TLSA records, and what is known of them.
/// A host nobody spoke of does not exist.
struct MailHosts {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  DaneHosts hosts{network, time, time};

  using Answer = base::Result<net::DnsAnswer>;

  static net::DnsAnswer answer(net::DnsAnswer::Kind kind, const std::string& host, seconds ttl) {
    net::DnsAnswer made;
    made.kind = kind;
    made.authenticated = true;
    made.ttl = ttl;
    made.canonical_name = host;
    return made;
  }

  /// It has an address; its answer takes `delay`.
  void address(const std::string& host, seconds ttl = seconds{300},
               milliseconds delay = milliseconds{1}) {
    using Kind = net::DnsAnswer::Kind;
    network.set_dns({host, net::RecordType::a},
                    {.delay = delay, .outcome = Answer(answer(Kind::records, host, ttl))});
    network.set_dns({host, net::RecordType::aaaa},
                    {.outcome = Answer(answer(Kind::no_data, host, ttl))});
  }
  /// It has an address and a usable TLSA record for the port.
  void usable(const std::string& host, seconds ttl = seconds{300}, int port = 25) {
    address(host, ttl);
    auto tlsa = answer(net::DnsAnswer::Kind::records, host, ttl);
    tlsa.tlsa = {{3, 1, 1, std::vector<std::uint8_t>(32)}};
    network.set_dns({tlsa_name(host, port), net::RecordType::tlsa}, {.outcome = Answer(tlsa)});
  }
  /// Its TLSA record cannot be looked up.
  void fails(const std::string& host, base::Fault fault = base::Fault::dns_failed) {
    address(host);
    network.set_dns({tlsa_name(host), net::RecordType::tlsa},
                    {.outcome = Answer(base::Error{fault, "scripted"})});
  }
  /// Nobody answers for it.
  void silent(const std::string& host) {
    for (const auto type : {net::RecordType::a, net::RecordType::aaaa})
      network.set_dns({host, type}, {.outcome = {}});
  }

  static std::string tlsa_name(const std::string& host, int port = 25) {
    return "_" + std::to_string(port) + "._tcp." + host;
  }
  int addresses_asked(const std::string& host) const {
    return network.dns_questions({host, net::RecordType::a});
  }
};

}  // namespace tlspolicyd::service
