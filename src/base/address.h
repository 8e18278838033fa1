#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::base {

/// An IPv4 or IPv6 address. Bytes in network order; an IPv4 address uses the first four.
class Address {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  static Address v4(std::span<const std::uint8_t, 4> bytes);
  static Address v6(std::span<const std::uint8_t, 16> bytes);

  /// Reads "192.0.2.1" or "2001:db8::1" (inet_pton(3)): no brackets, no zone, no port.
  /// Error: Fault::invalid.
  static Result<Address> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_loopback() const;
  /// fe80::/10: means something only together with an interface.
  bool is_link_local() const;
  /// 0.0.0.0 or ::, which stands for every address of the machine.
  bool is_any() const;
  /// The 4 or 16 octets.
  std::span<const std::uint8_t> bytes() const;
  /// As people write it, e.g. "2001:db8::1".
  std::string text() const;

  auto operator<=>(const Address&) const = default;

 private:
  Address() = default;
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with a port, as bind(2) and connect(2) take it.
struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  /// The interface of a link-local address, by its name or number (RFC 4007 11); else "".
  std::string zone{};

  /// Reads "127.0.0.1:53", "[::1]:53", "[fe80::1%eth0]:53", and with `default_port` also
  /// "127.0.0.1", "[::1]", "::1", "fe80::1%eth0". Whether there is such an interface is not asked.
  /// Error: Fault::invalid.
  static Result<Endpoint> parse(std::string_view text, std::uint16_t default_port = 0);

  /// What getsockname(2) tells. REQUIRES: AF_INET or AF_INET6.
  static Endpoint of(const sockaddr_storage& address);

  /// The number of the zone's interface now; 0 if there is none, or no zone.
  std::uint32_t scope() const;

  /// "127.0.0.1", "::1" or "fe80::1%eth0".
  std::string host() const;
  /// "127.0.0.1:53", "[::1]:53" or "[fe80::1%eth0]:53".
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

/// A sockaddr of either family and its length. An interface that does not exist leaves it without a
/// scope, so that connect(2) refuses it (EINVAL).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  explicit SocketAddress(const Endpoint& endpoint);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Reads a decimal port number, 1 to 65535. Error: Fault::invalid.
Result<std::uint16_t> parse_port(std::string_view text);

}  // namespace tlspolicyd::base
