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

std::string_view result_of(const Explanation& explanation) {
  const bool withheld = explanation.withheld && explanation.by_operator.empty();
  if (withheld && explanation.outcome == Outcome::deferred &&
      explanation.withheld->cause == service::Cause::pinned)
    return "deferred: mail waits until a policy is known, since the domain is pinned";
  if (withheld && explanation.outcome == Outcome::unknown)
    return "could not be told now: the trouble is ours, and mail waits until it is over";
  return describe(explanation.outcome);
}

}  // namespace tlspolicyd::explain
