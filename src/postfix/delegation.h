#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::postfix {

/// What smtpd(8) is told about a recipient whose domain no mail can be delivered to, since its
/// policy allows none of its MX hosts (decisions.md 22, access(5)).
struct DelegationRules {
  enum class Action {
    dunno,  ///< nothing
    warn,   ///< a line in the mail log
    defer,  ///< 450, unless another restriction rejects it
    reject  ///< 550
  };
  Action action = Action::warn;
  /// "" for a text of our own; else with {domain}, {id}, {policy} and {mx} replaced.
  std::string text;
};

/// The reply that lets smtpd(8) go on, with its empty line.
inline constexpr std::string_view kDunno = "action=DUNNO\n\n";

/// Checks an operator's text: printable ASCII, at most 300 bytes, no other placeholder. Error:
/// Fault::invalid.
base::Result<std::string> parse_delegation_text(std::string_view text);

/// The reply for such a recipient, with its empty line. `elsewhere` are the MX hosts that exist.
std::string render_delegation(const DelegationRules& rules, std::string_view domain,
                              const sts::StoredPolicy& policy,
                              const std::vector<std::string>& elsewhere);

}  // namespace tlspolicyd::postfix
