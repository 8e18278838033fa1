#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

/// What the daemon tells of itself and its book of policies (admin/commands.h), for people. All
/// throw nlohmann::json::exception for what it would not tell.
namespace tlspolicyd::tool {

std::string status_text(const nlohmann::json& status);
/// A table; `policies` is an array of summaries.
std::string list_text(const nlohmann::json& policies);
std::string record_text(const nlohmann::json& record);
std::string forgotten_text(const nlohmann::json& forgotten);
std::string refreshed_text(const nlohmann::json& refreshed);

/// "45 s", "12 min", "5 h 20 min", "6 d 3 h": two units at most, rounded down.
std::string duration_text(std::int64_t seconds);

}  // namespace tlspolicyd::tool
