#pragma once

#include <string>

#include "admin/sources.h"
#include "admin/survey.h"

namespace tlspolicyd::admin {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// All that is counted, in Prometheus's text format. Names no domain.
std::string metrics_text(const Sources& sources, const Census& census);

}  // namespace tlspolicyd::admin
