#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "service/validation_watch.h"

/// How the admin layer writes what it tells, as JSON.
namespace tlspolicyd::admin {

/// "2026-11-28T16:25:29Z" (RFC 3339); null for zero, which means never.
nlohmann::json time_json(base::WallTime time);

/// Whole seconds from `now` until `then`, negative once it is over; null for zero.
nlohmann::json until_json(base::WallTime then, base::WallTime now);

/// The text of a JSON value, with a line end; whatever bytes are in it, the text is ASCII.
std::string text_of(const nlohmann::json& value);

/// "validates", "does-not", "unknown".
std::string_view name_of(service::ValidationWatch::State state);

}  // namespace tlspolicyd::admin
