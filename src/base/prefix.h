#pragma once

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

/// True for an address that a stranger's host on the Internet cannot rightly have: every block of
/// the IANA special-purpose registries that is not globally reachable (RFC 6890, RFC 8190),
/// multicast, and the translation prefixes that could hide one (v4-mapped, NAT64, 6to4, Teredo).
bool is_special_purpose(const Address& address);

/// True if a policy host may be connected to at `address`: not special-purpose, or inside one of
/// the prefixes that the operator allowed (threat A-8).
bool may_connect(const Address& address, std::span<const Prefix> allowed);

}  // namespace tlspolicyd::base
