#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "sts/policy.h"

namespace tlspolicyd::sts {

/// The longest policy file that is read, in octets (RFC 8461 3.3).
inline constexpr std::size_t kMaxPolicyFile = 65536;

/// The most different mx patterns that a policy may have.
inline constexpr std::size_t kMaxPatterns = 512;

/// Reads a policy file (RFC 8461 3.2 with errata 6253 and 7282).
///
/// The ABNF decides. Beyond it are accepted: blank lines, blanks before a key, a UTF-8 byte order
/// mark, one final dot of an mx value, and an mx value in U-labels, of which the policy has the
/// A-labels. An mx line whose U-labels cannot be converted, or that comes after 2048 octets of such
/// lines (the work is bounded, threat A-14), is ignored while another mx is valid.
/// Alone it makes the policy invalid: it is no Domain (RFC 8461 3.2), so no policy could be fetched
/// (3.3), and a policy fetched earlier stays in force. Of a repeated key other than mx the first
/// line counts and the others are not judged; with mode none no mx line is judged.
///
/// Error: Fault::too_large for a body over kMaxPolicyFile, otherwise Fault::invalid. The text names
/// the line (from 1) and what is wrong; printable, at most 200 bytes.
base::Result<Policy> parse_policy(std::string_view body);

}  // namespace tlspolicyd::sts
