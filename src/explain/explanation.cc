#include "explain/explanation.h"

namespace tlspolicyd::explain {

std::string_view describe(Outcome outcome) {
  switch (outcome) {
    case Outcome::guarded: return "protected: Postfix must verify the certificate";
    case Outcome::unprotected: return "unprotected: Postfix uses its own default level";
    case Outcome::deferred: return "deferred: mail waits until the domain has mended this";
    case Outcome::unknown: break;
  }
  return "could not be told now";
}

}  // namespace tlspolicyd::explain
