#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/domain_name.h"
#include "base/operation.h"
#include "dane/verdict.h"
#include "net/dns.h"

namespace tlspolicyd::service {

/// What the DNS says of one MX host and port for DANE, and how long that may be believed.
struct DaneFinding {
  dane::HostFinding host;
  base::seconds ttl{0};      ///< the least of the answers; zero for an error
  bool own_trouble = false;  ///< the error is ours: not to be remembered
};

/// Looks at one MX host (RFC 7672 2.2.2, 2.2.3): A and AAAA first; TLSA only where an address is
/// secure, at the end of the CNAME chain if all of it is secure, then at the host itself. Takes as
/// long as the resolver takes for up to four questions in a row.
class DaneHost final : public base::Operation {
 public:
  using Done = std::function<void(DaneFinding)>;

  /// `resolver` must outlive it.
  DaneHost(net::Resolver& resolver, base::DomainName host, std::uint16_t port, Done done);

 private:
  using Answer = base::Result<net::DnsAnswer>;

  base::OperationPtr ask(const base::DomainName& name, net::RecordType type,
                         net::Resolver::Done done);
  void on_addresses();
  void ask_for_alias();
  void on_alias(const Answer& answer);
  void ask_for_tlsa();
  void on_tlsa(const Answer& answer);
  void count_ttl(const net::DnsAnswer& answer);
  void fail(const base::Error& why);
  void finish(dane::HostState state);

  net::Resolver& resolver_;
  base::DomainName host_;
  std::uint16_t port_;
  Done done_;
  DaneFinding finding_;
  std::optional<Answer> a_;
  std::optional<Answer> aaaa_;
  std::vector<base::DomainName> bases_;  ///< where TLSA records may be; the last is asked first
  base::OperationPtr first_;
  base::OperationPtr second_;
};

}  // namespace tlspolicyd::service
