#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::base {

/// Reads a whole decimal number from `least` to `most`, without sign or leading zero.
/// Error: Fault::invalid with a text that says what is expected.
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace tlspolicyd::base
