#include "tool/main_cf_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tlspolicyd::tool {

using nlohmann::ordered_json;

std::string as_text(const MainCf& wanted) {
  auto text = fmt::format("# main.cf of Postfix {} for tlspolicyd at {}\n", wanted.version.text(),
                          wanted.endpoint);
  for (const auto& line : wanted.lines) text += fmt::format("# {}\n{}\n", line.why, line.text());
  for (const auto& remark : wanted.remarks) text += fmt::format("# Note: {}\n", remark);
  for (const auto& problem : wanted.problems) text += fmt::format("# PROBLEM: {}\n", problem);
  return text;
}

std::string as_text(const std::vector<MainCfChange>& done, const std::string& reload) {
  if (done.empty()) return "# Nothing was changed: main.cf has all of it.\n";
  std::string text;
  for (const auto& change : done)
    text += change.was ? fmt::format("# Changed: {}, it was \"{}\".\n", change.name, *change.was)
                       : fmt::format("# Added: {}.\n", change.name);
  return text + fmt::format("# Now: {}\n", reload);
}

std::string as_json(const MainCf& wanted, const std::vector<MainCfChange>& changes, bool applied) {
  ordered_json out{{"postfix", wanted.version.text()}, {"endpoint", wanted.endpoint}};
  out["lines"] = ordered_json::object();
  for (const auto& line : wanted.lines) out["lines"][line.name] = line.value;
  out["changes"] = ordered_json::object();
  for (const auto& change : changes)
    out["changes"][change.name] = {{"from", change.was ? ordered_json(*change.was) : nullptr},
                                   {"to", change.value}};
  out["remarks"] = wanted.remarks;
  out["problems"] = wanted.problems;
  out["applied"] = applied;
  // main.cf may hold anything, also what is no UTF-8.
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tlspolicyd::tool
