#pragma once

#include <string_view>

namespace tlspolicyd::sts {

/// True if `text` is well-formed UTF-8 (RFC 3629 4): no overlong form, no surrogate, nothing above
/// U+10FFFF.
bool is_utf8(std::string_view text);

/// True if `text` consists of ASCII characters alone.
bool is_ascii(std::string_view text);

}  // namespace tlspolicyd::sts
