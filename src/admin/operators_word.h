#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "explain/explainer.h"

namespace tlspolicyd::admin {

/// What the configuration says of a policy domain (decisions.md 13): {"word": "off" | "pinned" |
/// "policy", "policy": text, "dane": "off" | "gate" | "always"}, of which those are there that it
/// says; null if it says nothing.
nlohmann::json operators_word(const explain::Explainer::Settings& settings,
                              const std::string& domain);

}  // namespace tlspolicyd::admin
