#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tlspolicyd::sts {

/// A record longer than this, its character-strings joined, is invalid (threat A-5). Octets.
inline constexpr std::size_t kMaxTxtRecord = 4096;

/// What all the TXT records at `_mta-sts.<policy domain>` say together (RFC 8461 3.1).
struct TxtSelection {
  enum class Verdict {
    ok,        ///< exactly one record, and it is valid
    none,      ///< no record, or none of version STSv1: the domain takes no part
    invalid,   ///< one record of version STSv1 that breaks the grammar
    multiple,  ///< more than one record of version STSv1, valid or not
  };

  Verdict verdict;
  /// The policy id, 1 to 32 letters and digits; case matters. Empty unless ok.
  std::string id;
  /// Why there is no id, for people: printable, of bounded length, no final dot. Empty when ok.
  std::string reason;

  bool operator==(const TxtSelection&) const = default;
};

/// Selects and reads the one record that counts. Each string is one resource record with its
/// character-strings joined; the same data twice counts once (RFC 2181 5). Linear in the octets
/// given, whatever they are.
///
/// Beyond the ABNF it accepts blanks at the end of the record (decisions: T).
TxtSelection select_record(std::span<const std::string> records);

}  // namespace tlspolicyd::sts
