#include "postfix/delegation_tally.h"

namespace tlspolicyd::postfix {

std::string_view name_of(DelegationRules::Action action) {
  switch (action) {
    case DelegationRules::Action::dunno: return "dunno";
    case DelegationRules::Action::warn: return "warn";
    case DelegationRules::Action::defer: return "defer";
    case DelegationRules::Action::reject: break;
  }
  return "reject";
}

}  // namespace tlspolicyd::postfix
