#pragma once

#include <nlohmann/json_fwd.hpp>

#include "explain/mx_probe.h"

/// A ProbePlan on its way from the daemon, which has made it, to whoever goes out to the MX hosts.
namespace tlspolicyd::explain {

nlohmann::json json_of(const ProbePlan& plan);

/// Reads json_of(), whoever has written it. Error: Fault::invalid.
base::Result<ProbePlan> plan_of(const nlohmann::json& value);

}  // namespace tlspolicyd::explain
