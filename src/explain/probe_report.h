#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "explain/mx_probe.h"

/// What the probes of MX hosts add to an explanation, as_text() and as_json().
namespace tlspolicyd::explain {

/// The text with a block per host before its result, which is the one of `after`.
std::string with_probes(std::string text, const ProbePlan& plan, const std::vector<MxProbe>& probes,
                        Outcome before, Outcome after);

/// "connect": an entry per host; "result" as it is after that, and "hint" if there is one.
void add_probes(nlohmann::json& document, const ProbePlan& plan, const std::vector<MxProbe>& probes,
                Outcome after);

}  // namespace tlspolicyd::explain
