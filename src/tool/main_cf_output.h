#pragma once

#include <string>
#include <vector>

#include "tool/main_cf.h"
#include "tool/main_cf_changes.h"

namespace tlspolicyd::tool {

/// The lines and all there is to say about them, as main.cf takes it: whatever is no line is a
/// comment.
std::string as_text(const MainCf& wanted);

/// What was done, as comments to follow it. `reload` is the command that lets it count now.
std::string as_text(const std::vector<MainCfChange>& done, const std::string& reload);

/// For programs: all of it as one JSON object. `applied` says whether the changes were made.
std::string as_json(const MainCf& wanted, const std::vector<MainCfChange>& changes, bool applied);

}  // namespace tlspolicyd::tool
