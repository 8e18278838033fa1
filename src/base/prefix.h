#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/address.h"

namespace tlspolicyd::base {

/// A block of addresses: those whose first `length` bits are the network's.
class Prefix {
 public:
  /// Reads "127.0.0.0/8" or "2001:db8::/32". Error: Fault::invalid, also for bits set beyond the
  /// length (a typing mistake more often than not).
  static Result<Prefix> parse(std::string_view text);

  bool contains(const Address& address) const;
  /// "127.0.0.0/8".
  std::string text() const;
  bool operator==(const Prefix&) const = default;

 private:
  Prefix(Address network, unsigned length) : network_(network), length_(length) {}
  Address network_;
  unsigned length_;
};

/// The IPv4 address that `address` stands for in the well-known prefix of NAT64, 64:ff9b::/96 (RFC
/// 6052 2.1); nothing for any other address. A translator's own prefix looks like any other.
std::optional<Address> embedded_v4(const Address& address);

/// False only for global unicast: IPv4 outside the special-purpose blocks (RFC 6890, RFC 8190) and
/// multicast, IPv6 inside 2000::/3 outside its special-purpose and 6to4 blocks, and NAT64 addresses
/// whose embedded IPv4 address is global unicast (decision 26). What IANA has not given to hosts of
/// the Internet is special-purpose here.
bool is_special_purpose(const Address& address);

/// True if tlspolicyd may connect to a policy host at `address`: it is not special-purpose, or one
/// of the `allowed` prefixes contains it or the IPv4 address that is embedded in it (threat A-8).
bool may_connect(const Address& address, std::span<const Prefix> allowed);

}  // namespace tlspolicyd::base
