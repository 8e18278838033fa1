#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/prefix.h"
#include "net/dns.h"

namespace tlspolicyd::net {

/// Finds the addresses at which a stranger's host may be connected to: A and AAAA, each queried
/// once (threat A-7), without the special-purpose ones (threat A-8).
///
/// The families do not wait for each other for long: kGrace after one has addresses, `done` gets
/// these, and the answer for the other family follows in `late` (RFC 8305 section 3). A server that
/// is broken for AAAA delays nothing by more than that, and on a host without IPv6 an A record that
/// comes after the AAAA record is not lost, however late within the resolver's deadline.
class HostLookup final : public base::Operation {
 public:
  static constexpr base::milliseconds kGrace{1000};

  /// At least one address. Errors: no_address; address_refused if all are special-purpose; the
  /// DNS's if a family could not be queried and the other has none.
  using Done = std::function<void(base::Result<std::vector<base::Address>>)>;

  /// `allowed` are the special-purpose prefixes that the administrator allows. `late`, if given,
  /// is called once, after `done`, if is_waiting() was true in `done`; it gets what `done` would
  /// have got of the late family alone. All references must outlive the object.
  HostLookup(Resolver& resolver, base::Timers& timers, const base::DomainName& host,
             const std::vector<base::Prefix>& allowed, Done done, Done late = {});

  /// True while a family has not answered.
  bool is_waiting() const { return !v6_ || !v4_; }

 private:
  using Slot = std::optional<base::Result<DnsAnswer>>;
  using Found = base::Result<std::vector<base::Address>>;

  void answered(Slot& slot, base::Result<DnsAnswer> answer);
  static Found verdict(std::initializer_list<const Slot*> slots,
                       const std::vector<base::Prefix>& allowed);
  void finish(Done& who, Found found);

  base::Timers& timers_;
  const std::vector<base::Prefix>& allowed_;
  Done done_;  ///< empty once called
  Done late_;
  Slot v6_, v4_;
  std::array<base::OperationPtr, 2> questions_;
  base::OperationPtr grace_;
};

}  // namespace tlspolicyd::net
