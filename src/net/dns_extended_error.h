#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tlspolicyd::net {

/// An Extended DNS Error (RFC 8914): what a resolver adds to a failure. It is not authenticated:
/// people read it, no decision depends on it.
struct ExtendedError {
  std::uint16_t code = 0;  ///< INFO-CODE
  /// EXTRA-TEXT, made printable and cut, without dots and blanks at its end; often empty.
  std::string text;
  bool operator==(const ExtendedError&) const = default;
};

/// How many are kept of one reply, each code once. RFC 8914 sets no limit.
constexpr std::size_t kMaxExtendedErrors = 3;
/// How much of an EXTRA-TEXT is read. Octets.
constexpr std::size_t kMaxExtraText = 160;

/// The Extended DNS Errors among the options of an OPT record (its data, RFC 6891 6.1.2), in their
/// order. Options that end beyond the data, and errors shorter than their code, are left out.
std::vector<ExtendedError> read_extended_errors(std::span<const std::uint8_t> options);

/// "DNSSEC Bogus (EDE 6): signature expired; EDE 77", with the names of the IANA registry. Empty if
/// there are none. Printable, at most 2,200 octets.
std::string describe(const std::vector<ExtendedError>& errors);

}  // namespace tlspolicyd::net
