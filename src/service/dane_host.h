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
  bool half_silent = false;  ///< one address family had not answered when the other settled it
};

/// Looks at one MX host (RFC 7672 2.2.2, 2.2.3): A and AAAA first; TLSA only where an address is
/// secure, at the end of the CNAME chain if all of it is secure, then at the host itself. Takes as
/// long as the resolver takes for up to four questions in a row.
///
/// A secure address settles the addresses at once, whatever becomes of the other family. Anything
/// else that one family alone can settle (dane::address_verdict) waits for the other one no longer
/// than the grace: name servers that do not answer AAAA delay no mail.
class DaneHost final : public base::Operation {
 public:
  /// As long as the policy host's (net::HostLookup).
  static constexpr base::milliseconds kGrace{1000};

  using Done = std::function<void(DaneFinding)>;

  /// `resolver` and `timers` must outlive it.
  DaneHost(net::Resolver& resolver, base::Timers& timers, base::DomainName host, std::uint16_t port,
           base::milliseconds grace, Done done);

 private:
  using Answer = base::Result<net::DnsAnswer>;

  base::OperationPtr ask(const base::DomainName& name, net::RecordType type,
                         net::Resolver::Done done);
  void on_family(std::optional<Answer>& slot, const Answer& answer);
  void on_addresses();
  void ask_for_alias();
  void on_alias(const Answer& answer);
  void ask_for_tlsa();
  void on_tlsa(const Answer& answer);
  void count_ttl(const net::DnsAnswer& answer);
  void fail(const base::Error& why);
  void finish(dane::HostState state);

  net::Resolver& resolver_;
  base::Timers& timers_;
  base::DomainName host_;
  std::uint16_t port_;
  const base::milliseconds grace_;
  Done done_;
  DaneFinding finding_;
  std::optional<Answer> a_;
  std::optional<Answer> aaaa_;
  std::vector<base::DomainName> bases_;  ///< where TLSA records may be; the last is asked first
  bool settled_ = false;                 ///< the addresses are
  base::OperationPtr a_question_, aaaa_question_;
  base::OperationPtr question_;  ///< about an alias or TLSA records
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::service
