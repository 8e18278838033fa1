#include "tool/policy_maps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tlspolicyd::tool {
namespace {

/// The names of the two other servers and of this one (decisions.md, "Who asks").
constexpr std::array<std::string_view, 4> kWellKnown = {"postfix", "postfix-tlsrpt", "QUERY",
                                                        "QUERYwithTLSRPT"};

enum class Kind { foreign, ours, other_server };

class Judge {
 public:
  Judge(const PolicyMapsFacts& facts, const DaemonEndpoints& endpoints)
      : facts_(facts), endpoints_(endpoints) {}

  Kind kind_of(const std::string& table) const {
    const auto socketmap = parse_socketmap_table(table);
    if (!socketmap) return Kind::foreign;
    if (endpoints_.contain(socketmap->endpoint)) return Kind::ours;
    const bool known =
        std::find(kWellKnown.begin(), kWellKnown.end(), socketmap->map) != kWellKnown.end();
    return known || own_map(socketmap->map) ? Kind::other_server : Kind::foreign;
  }

  bool answers_policies(const std::string& table) const { return kind_of(table) != Kind::foreign; }

  /// The map to be asked where `table` stood, "" if nothing did.
  std::string map_for(const std::string& table) const {
    const auto socketmap = parse_socketmap_table(table);
    if (socketmap && kind_of(table) == Kind::ours)
      if (const auto* own = own_map(socketmap->map); own && understood(*own)) return own->name;
    return facts_.reports ? "postfix-tlsrpt" : "postfix";
  }

 private:
  const postfix::MapTable::Map* own_map(const std::string& name) const {
    for (const auto& map : facts_.maps)
      if (map.name == name) return &map;
    return nullptr;
  }
  bool understood(const postfix::MapTable::Map& map) const {
    return facts_.reports || map.profile == service::Profile::compat;
  }

  const PolicyMapsFacts& facts_;
  const DaemonEndpoints& endpoints_;
};

/// The list as it is written, unless a $name in it hides a table that must be replaced.
std::string list_to_edit(const PolicyMapsFacts& facts, const Judge& judge) {
  const auto count = [&](const std::string& list) {
    const auto tables = split_tables(list);
    return std::count_if(tables.begin(), tables.end(),
                         [&](const auto& table) { return judge.answers_policies(table); });
  };
  return count(facts.effective) > count(facts.written) ? facts.effective : facts.written;
}

}  // namespace

std::vector<std::string> split_tables(std::string_view list) {
  std::vector<std::string> tables;
  std::string table;
  int depth = 0;
  for (const char c : list) {
    if (depth == 0 && std::string_view(", \t\r\n").find(c) != std::string_view::npos) {
      if (!table.empty()) tables.push_back(std::move(table));
      table.clear();
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    table += c;
  }
  if (!table.empty()) tables.push_back(std::move(table));
  return tables;
}

PolicyMaps with_daemon(const PolicyMapsFacts& facts, const DaemonEndpoints& endpoints) {
  const Judge judge(facts, endpoints);
  const auto list = list_to_edit(facts, judge);
  PolicyMaps result;
  std::vector<std::string> tables;
  std::optional<std::string> ours;
  const auto put_ours = [&](const std::string& old) {
    if (ours) return;
    ours = SocketmapTable{endpoints.choice().text, judge.map_for(old)}.text();
    tables.push_back(*ours);
  };
  for (const auto& table : split_tables(list)) {
    const auto kind = judge.kind_of(table);
    if (kind == Kind::other_server) result.replaced.push_back(table);
    if (kind != Kind::foreign) {
      put_ours(table);
    } else {
      if (ours) result.behind.push_back(table);
      tables.push_back(table);
    }
  }
  put_ours("");
  // A list that is right keeps its form.
  result.value = tables == split_tables(list) ? list : fmt::format("{}", fmt::join(tables, ", "));
  return result;
}

}  // namespace tlspolicyd::tool
