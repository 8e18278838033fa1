#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tlspolicyd::base {

Address Address::v4(std::span<const std::uint8_t, 4> bytes) {
  Address address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Address Address::v6(std::span<const std::uint8_t, 16> bytes) {
  Address address;
  address.family_ = Family::v6;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];
  const Error refused{Fault::invalid, "not an IP address"};
  if (text.empty() || text.size() >= sizeof buffer) return refused;
  if (text.find('\0') != std::string_view::npos) return refused;
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, buffer, bytes.data()) == 1) return v4(std::span(bytes).first<4>());
  if (inet_pton(AF_INET6, buffer, bytes.data()) == 1) return v6(bytes);
  return refused;
}

bool Address::is_loopback() const {
  if (family_ == Family::v4) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) &&
         bytes_[15] == 1;
}

bool Address::is_any() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

std::span<const std::uint8_t> Address::bytes() const {
  return std::span(bytes_).first(family_ == Family::v4 ? 4 : 16);
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

Result<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return Error{Fault::invalid, "missing ]"};
    host = text.substr(1, close - 1);
    const auto rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return Error{Fault::invalid, "text after ]"};
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  auto address = Address::parse(host);
  if (!address) return address.error();
  if (text.starts_with('[') && address->family() != Address::Family::v6)
    return Error{Fault::invalid, "brackets are for IPv6 addresses"};
  if (!has_port) {
    if (default_port == 0) return Error{Fault::invalid, "port is missing"};
    return Endpoint{*address, default_port};
  }
  auto number = parse_port(port);
  if (!number) return number.error();
  return Endpoint{*address, *number};
}

Endpoint Endpoint::of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return {Address::v4(bytes), ntohs(in.sin_port)};
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof in);
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  return {Address::v6(bytes), ntohs(in.sin6_port)};
}

std::string Endpoint::text() const {
  const auto host = address.text();
  const auto number = std::to_string(port);
  return address.family() == Address::Family::v6 ? "[" + host + "]:" + number : host + ":" + number;
}

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.family() == Address::Family::v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&storage, &in, length = sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&storage, &in, length = sizeof in);
  }
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (status != std::errc() || end != text.data() + text.size() || port == 0)
    return Error{Fault::invalid, "a port is a number from 1 to 65535"};
  return port;
}

}  // namespace tlspolicyd::base
