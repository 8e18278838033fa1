#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "service/decision.h"

namespace tlspolicyd::postfix {

/// What was required of the delivery that failed, as far as it is known.
struct Requirement {
  std::string_view domain{};                  ///< the policy domain
  service::Decision::Kind kind{};             ///< of the answer that the delivery was made by
  std::string_view reason{};                  ///< of a temporary one
  const sts::StoredPolicy* policy = nullptr;  ///< what the domain publishes, nullptr if not known
  std::vector<std::string> names{};  ///< MX hosts or patterns that a certificate may be valid for
  /// The MX hosts that exist, if they are known and the policy allows none.
  const std::vector<std::string>* elsewhere = nullptr;
};

/// What the sender of a message is told instead of Postfix's own text (decisions.md 21): the
/// enhanced status code of `status` and a text that names the domain, what it requires, and what
/// failed; "" where Postfix's text is to stay, which is everything but its fixed texts about TLS.
///
/// `status` is what smtp_delivery_status_filter asks: "4.7.5 Server certificate not verified". Of
/// it only the code, host names and addresses are taken over.
std::string explain_status(std::string_view status, const Requirement& required);

/// True of a failure that outdated knowledge of the domain's MX hosts, or of their TLSA records,
/// may have caused: a certificate or its name was not accepted, DANE did not find what it needs, no
/// MX host was allowed (decisions.md 27).
bool suggests_outdated_findings(std::string_view status);

/// True if Postfix found no MX host that a policy of patterns allows.
bool is_no_host_allowed(std::string_view status);

/// The text for a domain that no mail can be delivered to, since its policy allows none of its MX
/// hosts; one sentence without final dot.
std::string explain_elsewhere(std::string_view domain, const sts::StoredPolicy& policy,
                              const std::vector<std::string>& elsewhere);

/// "a, b and c"; after the fifth name "and 4 more". `last_word` is "and" or "or".
std::string list_of(const std::vector<std::string>& names, std::string_view last_word);

/// The patterns of a policy, as it writes them.
std::vector<std::string> allowed_by(const sts::Policy& policy);

}  // namespace tlspolicyd::postfix
