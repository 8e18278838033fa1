#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "postfix/map_table.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {

/// The tables of a list such as smtp_tls_policy_maps: separated by commas and blanks, except within
/// braces (inline:{...}).
std::vector<std::string> split_tables(std::string_view list);

/// What the operator's main.cf and the daemon's configuration say about who answers.
struct PolicyMapsFacts {
  std::string written;                       ///< smtp_tls_policy_maps as in main.cf
  std::string effective;                     ///< with $name expanded
  std::vector<postfix::MapTable::Map> maps;  ///< the operator's own names
  bool reports = false;                      ///< Postfix takes the attributes for TLS reports
};

/// The list with the daemon in it.
struct PolicyMaps {
  std::string value;
  std::vector<std::string> replaced;  ///< tables of other servers of MTA-STS policies
  std::vector<std::string> behind;    ///< tables that are asked only where the daemon says NOTFOUND
};

/// Puts the daemon into smtp_tls_policy_maps, once: in its old place, or in that of another server
/// of MTA-STS policies, or at the end; what else is there stays (the first match wins, postfix.md
/// 0.16). The map is `postfix-tlsrpt` or `postfix`, or the operator's own where that stands there
/// already and this Postfix understands it.
PolicyMaps with_daemon(const PolicyMapsFacts& facts, const DaemonEndpoints& endpoints);

}  // namespace tlspolicyd::tool
