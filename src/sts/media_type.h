#pragma once

#include <string_view>

namespace tlspolicyd::sts {

/// True if the value of a Content-Type field names text/plain, in any case (RFC 8461 3.2,
/// RFC 9110 8.3.1). Parameters are ignored, whatever they are. Of a list, which a gateway makes of
/// several fields, the last media type counts, as the last field does (RFC 9110 8.3).
bool is_text_plain(std::string_view content_type);

}  // namespace tlspolicyd::sts
