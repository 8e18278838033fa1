#include "dane/tlsa.h"

#include <cstddef>

namespace tlspolicyd::dane {
namespace {

constexpr std::size_t kSha256 = 32;
constexpr std::size_t kSha512 = 64;

/// A DER SEQUENCE that fills the data, as a certificate and a public key are (X.690 8.1, 10.1).
bool is_sequence(std::span<const std::uint8_t> data) {
  constexpr std::uint8_t kSequence = 0x30;
  if (data.size() < 2 || data[0] != kSequence) return false;
  std::size_t length = data[1];
  std::size_t header = 2;
  if (length > 0x7f) {
    const std::size_t octets = length & 0x7f;
    if (octets == 0 || octets > 3 || data.size() < header + octets) return false;
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8U | data[header + i];
    header += octets;
    // The shortest form is the only one.
    if (length <= 0x7f || length >> 8U * (octets - 1) == 0) return false;
  }
  return length > 0 && header + length == data.size();
}

}  // namespace

bool is_usable(const Tlsa& record) {
  if (record.usage != 2 && record.usage != 3) return false;
  if (record.selector > 1) return false;
  switch (record.matching_type) {
    case 0: return is_sequence(record.data);
    case 1: return record.data.size() == kSha256;
    case 2: return record.data.size() == kSha512;
    default: return false;
  }
}

}  // namespace tlspolicyd::dane
