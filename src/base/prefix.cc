#include "base/prefix.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <vector>

namespace tlspolicyd::base {
namespace {

bool shares_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xffU << (8 - rest));
  return (a[whole] & mask) == (b[whole] & mask);
}

std::vector<Prefix> parsed(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> prefixes;
  for (const auto text : texts) prefixes.push_back(Prefix::parse(text).value());
  return prefixes;
}

bool is_in(const Address& address, std::span<const Prefix> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_special_v4(const Address& address) {
  static const auto blocks =
      parsed({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
              "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
              "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  return is_in(address, blocks);
}

bool is_special_v6(const Address& address) {
  static const auto global_unicast = Prefix::parse("2000::/3").value();
  static const auto blocks = parsed({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  return !global_unicast.contains(address) || is_in(address, blocks);
}

}  // namespace

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return Error{Fault::invalid, "a prefix is written ADDRESS/LENGTH"};
  const auto network = Address::parse(text.substr(0, slash));
  if (!network) return network.error();
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const auto octets = network->bytes();
  if (status != std::errc() || end != digits.data() + digits.size() || length > octets.size() * 8)
    return Error{Fault::invalid, "prefix length is out of range"};
  for (unsigned bit = length; bit < octets.size() * 8; ++bit)
    if (octets[bit / 8] & (0x80U >> (bit % 8)))
      return Error{Fault::invalid, "address bits are set beyond the prefix length"};
  return Prefix(*network, length);
}

std::string Prefix::text() const { return network_.text() + "/" + std::to_string(length_); }

bool Prefix::contains(const Address& address) const {
  return address.family() == network_.family() &&
         shares_bits(address.bytes(), network_.bytes(), length_);
}

std::optional<Address> embedded_v4(const Address& address) {
  static const auto nat64 = Prefix::parse("64:ff9b::/96").value();
  if (!nat64.contains(address)) return std::nullopt;
  return Address::v4(address.bytes().last<4>());
}

bool is_special_purpose(const Address& address) {
  if (address.family() == Address::Family::v4) return is_special_v4(address);
  const auto embedded = embedded_v4(address);
  return embedded ? is_special_v4(*embedded) : is_special_v6(address);
}

bool may_connect(const Address& address, std::span<const Prefix> allowed) {
  if (!is_special_purpose(address) || is_in(address, allowed)) return true;
  const auto embedded = embedded_v4(address);
  return embedded && is_in(*embedded, allowed);
}

}  // namespace tlspolicyd::base
