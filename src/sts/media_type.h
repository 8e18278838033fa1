#pragma once

#include <string_view>

namespace tlspolicyd::sts {

/// True if the value of a Content-Type field names text/plain, in any case (RFC 8461 3.2,
/// RFC 9110 8.3.1). Parameters are ignored, whatever they are.
bool is_text_plain(std::string_view content_type);

}  // namespace tlspolicyd::sts
