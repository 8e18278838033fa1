#include "postfix/answer_tally.h"

#include <algorithm>

namespace tlspolicyd::postfix {

std::string_view name_of(Told told) {
  switch (told) {
    case Told::not_found: return "notfound";
    case Told::secure: return "secure";
    case Told::dane_only: return "dane-only";
    case Told::temporary: return "temp";
    case Told::by_operator: return "operator";
    case Told::explained: return "explained";
  }
  return "";
}

Told told_by(service::Decision::Kind kind) {
  switch (kind) {
    case service::Decision::Kind::no_policy: return Told::not_found;
    case service::Decision::Kind::secure: return Told::secure;
    case service::Decision::Kind::dane: return Told::dane_only;
    case service::Decision::Kind::temporary: break;
  }
  return Told::temporary;
}

void AnswerTally::set_maps(const std::vector<std::string>& names) {
  std::vector<ByMap> kept;
  for (const auto& name : names) {
    const auto before =
        std::find_if(maps.begin(), maps.end(), [&](const ByMap& map) { return map.map == name; });
    kept.push_back(before == maps.end() ? ByMap{name} : *before);
  }
  maps = std::move(kept);
}

}  // namespace tlspolicyd::postfix
