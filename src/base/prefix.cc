#include "base/prefix.h"

#include <algorithm>
#include <charconv>
#include <iterator>
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

const std::vector<Prefix>& special_purpose_blocks() {
  static const std::vector<Prefix> blocks = [] {
    // clang-format off
    constexpr std::string_view kBlocks[] = {
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
        "fe80::/10", "fec0::/10", "ff00::/8"};
    // clang-format on
    std::vector<Prefix> parsed;
    for (auto text : kBlocks) parsed.push_back(Prefix::parse(text).value());
    return parsed;
  }();
  return blocks;
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

bool is_special_purpose(const Address& address) {
  const auto& blocks = special_purpose_blocks();
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Prefix& block) { return block.contains(address); });
}

bool may_connect(const Address& address, std::span<const Prefix> allowed) {
  return !is_special_purpose(address) ||
         std::any_of(allowed.begin(), allowed.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace tlspolicyd::base
