#pragma once

#include <nlohmann/json.hpp>

#include "admin/sources.h"
#include "admin/survey.h"

namespace tlspolicyd::admin {

/// How the daemon does, at a glance: GET /status. Apart from "oldest_failing" it names no domain.
nlohmann::json status_json(const Sources& sources, const Census& census);

}  // namespace tlspolicyd::admin
