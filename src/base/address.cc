#include "base/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.h"

namespace tlspolicyd::base {
namespace {

// What a kernel takes as an interface's name, without what would be read as something else here.
bool is_zone(std::string_view text) {
  return !text.empty() && text.size() < IF_NAMESIZE &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_vchar(c) && std::string_view("/:%[]").find(c) == std::string_view::npos;
         });
}

// An address with or without a zone; the port is the caller's.
Result<Endpoint> parse_host(std::string_view text) {
  const auto percent = text.find('%');
  auto address = Address::parse(text.substr(0, percent));
  if (!address) return address.error();
  if (percent == std::string_view::npos) return Endpoint{*address, 0};
  const auto zone = text.substr(percent + 1);
  if (!address->is_link_local())
    return Error{Fault::invalid, "an interface is for link-local addresses (fe80::/10) only"};
  if (!is_zone(zone)) return Error{Fault::invalid, "not the name of an interface"};
  return Endpoint{*address, 0, std::string(zone)};
}

}  // namespace

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

bool Address::is_link_local() const {
  return family_ == Family::v6 && bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80;
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
  auto endpoint = parse_host(host);
  if (!endpoint) return endpoint.error();
  if (text.starts_with('[') && endpoint->address.family() != Address::Family::v6)
    return Error{Fault::invalid, "brackets are for IPv6 addresses"};
  if (!has_port) {
    if (default_port == 0) return Error{Fault::invalid, "port is missing"};
    endpoint->port = default_port;
    return endpoint;
  }
  auto number = parse_port(port);
  if (!number) return number.error();
  endpoint->port = *number;
  return endpoint;
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
  Endpoint endpoint{Address::v6(bytes), ntohs(in.sin6_port)};
  if (!endpoint.address.is_link_local() || in.sin6_scope_id == 0) return endpoint;
  char name[IF_NAMESIZE];
  endpoint.zone = if_indextoname(in.sin6_scope_id, name) != nullptr
                      ? std::string(name)
                      : std::to_string(in.sin6_scope_id);
  return endpoint;
}

std::uint32_t Endpoint::scope() const {
  if (zone.empty()) return 0;
  if (const auto index = if_nametoindex(zone.c_str()); index != 0) return index;
  std::uint32_t index = 0;
  const auto* end = zone.data() + zone.size();
  const auto read = std::from_chars(zone.data(), end, index);
  char name[IF_NAMESIZE];
  const bool exists = read.ec == std::errc() && read.ptr == end && if_indextoname(index, name);
  return exists ? index : 0;
}

std::string Endpoint::host() const {
  return zone.empty() ? address.text() : address.text() + "%" + zone;
}

std::string Endpoint::text() const {
  const auto number = std::to_string(port);
  return address.family() == Address::Family::v6 ? "[" + host() + "]:" + number
                                                 : host() + ":" + number;
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
    in.sin6_scope_id = endpoint.scope();
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
