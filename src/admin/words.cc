#include "admin/words.h"

#include <fmt/chrono.h>

namespace tlspolicyd::admin {

using nlohmann::json;

json time_json(base::WallTime time) {
  if (time == base::WallTime{}) return nullptr;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time.time_since_epoch().count()));
}

json until_json(base::WallTime then, base::WallTime now) {
  if (then == base::WallTime{}) return nullptr;
  return (then - now).count();
}

std::string text_of(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace) + "\n";
}

std::string_view name_of(service::ValidationWatch::State state) {
  switch (state) {
    case service::ValidationWatch::State::validates: return "validates";
    case service::ValidationWatch::State::does_not: return "does-not";
    case service::ValidationWatch::State::unknown: break;
  }
  return "unknown";
}

}  // namespace tlspolicyd::admin
