#pragma once

#include <string>
#include <string_view>

namespace tlspolicyd::tool {

/// True if standard output is a terminal and its user wants colour there ($NO_COLOR is not set,
/// $TERM is not "dumb").
bool wants_colour();

/// An explanation's text (explain::as_text()) for a terminal: the labels stand out, and so does
/// what is refused or has failed, and how it ends. Without its escape sequences it is the text.
std::string in_colour(std::string_view text);

}  // namespace tlspolicyd::tool
