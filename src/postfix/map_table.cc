#include "postfix/map_table.h"

#include <algorithm>

namespace tlspolicyd::postfix {
namespace {

// Names come from whoever can connect: neither the memory of them nor the log grows for ever.
constexpr std::size_t kMaxWarned = 100;
constexpr std::size_t kMaxName = 64;

}  // namespace

MapTable::MapTable(std::vector<Map> further) : maps_(std::move(further)) {
  using service::Profile;
  using Kind = Map::Kind;
  const Map built_in[] = {{"postfix", Kind::policy, Profile::compat, false},
                          {"QUERY", Kind::policy, Profile::compat, false},
                          {"postfix-tlsrpt", Kind::policy, Profile::tlsrpt, false},
                          {"QUERYwithTLSRPT", Kind::policy, Profile::tlsrpt, false},
                          {"dsn", Kind::delivery_status, Profile::compat, false}};
  for (const auto& map : built_in)
    if (std::none_of(maps_.begin(), maps_.end(),
                     [&](const Map& own) { return own.name == map.name; }))
      maps_.push_back(map);
}

const MapTable::Map& MapTable::find(std::string_view name, const base::Log& log) {
  for (const auto& map : maps_)
    if (map.name == name) return map;
  const auto known_as = name.substr(0, kMaxName);
  if (warned_.size() < kMaxWarned &&
      std::find(warned_.begin(), warned_.end(), known_as) == warned_.end()) {
    warned_.emplace_back(known_as);
    log.warning("unknown map name, answered in the compat profile", {{"map", known_as}});
  }
  return fallback_;
}

std::vector<std::string> MapTable::names() const {
  std::vector<std::string> names;
  for (const auto& map : maps_) names.push_back(map.name);
  names.emplace_back(kOther);
  return names;
}

std::size_t MapTable::index_of(const Map& map) const {
  return &map == &fallback_ ? maps_.size() : static_cast<std::size_t>(&map - maps_.data());
}

}  // namespace tlspolicyd::postfix
