#pragma once

#include <string>

#include "admin/sources.h"
#include "admin/survey.h"

namespace tlspolicyd::admin {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// All that is counted, in Prometheus's text format. Names no domain. Label values are from fixed
/// sets, the maps' from the configuration; a series is there from the start, be it zero.
std::string metrics_text(const Sources& sources, const Census& census);

}  // namespace tlspolicyd::admin
