#pragma once

#include <string>
#include <string_view>

#include "service/decision.h"

namespace tlspolicyd::postfix {

/// The reply "there is no policy", as a netstring.
inline constexpr std::string_view kNotFound = "9:NOTFOUND ,";

/// The name in match= when no host can satisfy a policy: no certificate has it, so that mail is
/// deferred and Postfix's log shows it (decisions.md, Answers 1; RFC 6761).
inline constexpr std::string_view kNoMatch = "no-mx-matches-policy.invalid";

/// Writes a decision as the reply to a socketmap request (socketmap_table(5)), without netstring
/// framing: "OK secure match=... servername=hostname", "OK dane-only", "NOTFOUND ", "TEMP reason".
///
/// Only values that were parsed are written, never bytes of the network. What would not be read by
/// Postfix exactly as meant becomes TEMP: a defect of ours must not weaken anything.
std::string render_reply(const service::Decision& decision, const service::Question& question);

/// "TEMP " and the reason, cut to 200 printable bytes.
std::string render_temporary(std::string_view reason);

}  // namespace tlspolicyd::postfix
