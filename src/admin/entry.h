#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "service/book.h"
#include "sts/upkeep.h"

namespace tlspolicyd::admin {

/// One line of the list of policies. REQUIRES: entry.stored.
nlohmann::json summary_json(const std::string& domain, const sts::Entry& entry, base::WallTime now,
                            const sts::RefreshRules& rules);

/// All that is remembered of a domain: GET /show.
nlohmann::json record_json(const std::string& domain, const service::Record& record,
                           const base::Clock& clock, const sts::RefreshRules& rules);

}  // namespace tlspolicyd::admin
