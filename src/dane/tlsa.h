#pragma once

#include <cstdint>
#include <span>

namespace tlspolicyd::dane {

/// A TLSA record (RFC 6698 2.1). `data` must live as long as the value is used.
struct Tlsa {
  std::uint8_t usage;
  std::uint8_t selector;
  std::uint8_t matching_type;
  std::span<const std::uint8_t> data;
};

/// True if the record can authenticate a mail server (RFC 7672 2.2, 3.1): usage DANE-TA(2) or
/// DANE-EE(3), selector Cert(0) or SPKI(1), matching type Full(0), SHA2-256(1) or SHA2-512(2) with
/// data of the right form. The same records are usable for Postfix, which treats PKIX-TA(0) and
/// PKIX-EE(1) as unusable. Of full data the outer DER frame is checked.
bool is_usable(const Tlsa& record);

}  // namespace tlspolicyd::dane
