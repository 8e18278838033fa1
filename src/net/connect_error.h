#pragma once

#include <string_view>

#include "base/address.h"
#include "base/result.h"

namespace tlspolicyd::net {

/// The end of the text of an error whose cause is that the uplink is down.
inline constexpr std::string_view kNoUplink = "this machine has no route to the Internet";

/// How connect(2) failed.
struct ConnectFailure {
  int cause = 0;         ///< errno
  bool at_once = false;  ///< connect(2) returned it: this machine decided, no packet was answered
};

/// What this machine could do at that moment.
struct Connectivity {
  bool has_ipv6_route = false;  ///< to the Internet
  bool has_source = false;      ///< a route to the endpoint, and an address of its own for it
};

/// Fault::system for a failure of this machine, else Fault::connect:
/// - no descriptors or memory;
/// - EADDRNOTAVAIL with a source address: the local ports are used up. Without one (IPv6 switched
///   off by sysctl) only this family is missing here;
/// - ENETUNREACH at once for IPv4 while there is no IPv6 route either: the uplink is down.
///
/// A machine that has one family only must not defer mail for ever because a policy host has the
/// other one.
base::Fault fault_of(const ConnectFailure& failure, base::Address::Family family,
                     const Connectivity& have);

/// The error for a failed connection to `endpoint`; asks the kernel for what fault_of() has to
/// know, which sends no packet.
base::Error connect_error(const base::Endpoint& endpoint, const ConnectFailure& failure);

}  // namespace tlspolicyd::net
