#pragma once

#include <cstdint>
#include <vector>

#include "net/dns.h"

/// The DANE gate's table (spec dane.md, RFC 7672 2.1 and 2.2, decisions.md 4), written down anew
/// for the tests: the oracle must not ask the code that it judges. Read it row by row in
/// gate_table.cc.
namespace tlspolicyd::property {

/// What an answer of the DNS says, as D2 divides them.
enum class Says : std::uint8_t { secure, insecure, denied, denied_insecurely, error };
Says says(const base::Result<net::DnsAnswer>& answer);

/// What the addresses of an MX host say about its TLSA records (D5).
enum class Addresses : std::uint8_t {
  secure,    ///< they count
  insecure,  ///< only those at the first name of an alias whose first link is secure (D6)
  absent,
  error
};
Addresses addresses(Says a, Says aaaa);

/// True if the record can authenticate a server (D8). Of records by digest only: no others are
/// published here.
bool is_usable(const net::TlsaRecord& record);

/// What one name that may have TLSA records says of its host.
enum class Base : std::uint8_t {
  usable,
  none,   ///< DANE does not bind
  error,  ///< the host must not be used (D11)
  next    ///< the next name is to be asked, if there is one, else `none`
};
Base tlsa(Says says, bool has_usable);

/// What is known of one MX host.
enum class HostIs : std::uint8_t { usable, none, absent, error };
inline constexpr int kHostStates = 4;

/// What governs mail to a domain that enforces.
enum class Governs : std::uint8_t { sts, dane_only, temporary };
/// The rows for a secure MX RRset.
Governs gate(const std::vector<HostIs>& hosts);

}  // namespace tlspolicyd::property
