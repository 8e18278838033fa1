#pragma once

#include <string>
#include <string_view>

#include "admin/sources.h"
#include "admin/survey.h"

namespace tlspolicyd::admin {

/// The status for people, as one HTML page without scripts. Names no domain.
std::string status_page(const Sources& sources, const Census& census);

/// `text` with what HTML gives a meaning written as character references.
std::string html_escaped(std::string_view text);

}  // namespace tlspolicyd::admin
