#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/prefix.h"
#include "net/dns.h"

namespace tlspolicyd::net {

/// Finds the addresses at which a stranger's host may be connected to: A and AAAA, each asked once
/// (threat A-7), without the special-purpose ones (threat A-8). Once one family has addresses the
/// other is waited for no longer than kGrace: a server that is broken for AAAA delays nobody.
class HostLookup final : public base::Operation {
 public:
  static constexpr base::milliseconds kGrace{1000};

  /// At least one address. Errors: no_address; address_refused if all are special-purpose; the
  /// DNS's if a family could not be asked and the other has none.
  using Done = std::function<void(base::Result<std::vector<base::Address>>)>;

  /// `allowed` are the special-purpose prefixes that the operator lets through. All given by
  /// reference must outlive it.
  HostLookup(Resolver& resolver, base::Timers& timers, const base::DomainName& host,
             const std::vector<base::Prefix>& allowed, Done done);

 private:
  void answered(std::optional<base::Result<DnsAnswer>>& slot, base::Result<DnsAnswer> answer);
  base::Result<std::vector<base::Address>> verdict() const;
  void finish(base::Result<std::vector<base::Address>> result);

  base::Timers& timers_;
  const std::vector<base::Prefix>& allowed_;
  Done done_;
  std::optional<base::Result<DnsAnswer>> v6_, v4_;
  std::array<base::OperationPtr, 2> questions_;
  base::OperationPtr grace_;
};

}  // namespace tlspolicyd::net
