#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "service/question.h"

namespace tlspolicyd::postfix {

/// The names under which Postfix asks, and what each name asks for (decisions.md, "Who asks, and
/// under which name"): `postfix` and `QUERY`, `postfix-tlsrpt` and `QUERYwithTLSRPT`, `dsn`, and
/// the operator's own.
class MapTable {
 public:
  struct Map {
    enum class Kind : std::uint8_t {
      policy,          ///< smtp_tls_policy_maps
      delivery_status  ///< smtp_delivery_status_filter
    };
    std::string name;
    Kind kind = Kind::policy;
    service::Profile profile = service::Profile::compat;
    bool enforce_testing = false;
  };

  /// The built-in maps and `further` ones; a further one of a built-in name replaces it.
  explicit MapTable(std::vector<Map> further = {});

  /// Stands for all names that nobody defined where maps are told apart; no map's own.
  static constexpr std::string_view kOther = "other";

  /// The map of that name. Any other name is answered in the compat profile, with one warning
  /// per name.
  const Map& find(std::string_view name, const base::Log& log);
  /// The names of all maps, and at last kOther for those that nobody defined.
  std::vector<std::string> names() const;
  /// The index in names() of what find() returned.
  std::size_t index_of(const Map& map) const;

 private:
  std::vector<Map> maps_;
  Map fallback_;  ///< for names that nobody defined: every Postfix understands compat
  std::vector<std::string> warned_;
};

}  // namespace tlspolicyd::postfix
