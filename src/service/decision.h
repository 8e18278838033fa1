#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "service/mx_hosts.h"
#include "service/question.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::service {

/// What kept an answer from being found, for counting.
enum class Cause : std::uint8_t {
  none,
  own_trouble,  ///< our resolver is dead, the system refused
  overloaded,   ///< one of our own limits
  disk,         ///< the policy is on its way there
  txt,          ///< the TXT record, where the configuration defers for it
  mx,           ///< the MX records of a domain that enforces
  dane,         ///< TLSA records, or addresses, of its MX hosts
  pinned        ///< the operator says that there is a policy, and none is known
};
inline constexpr std::size_t kCauses = 8;

/// "own-trouble", "mx", ... as metrics and logs write it; "" for none.
std::string_view name_of(Cause cause);

/// What came of each step on the way to an answer, in words of fixed sets, for logs; "" for a step
/// that was not needed.
struct Trail {
  /// Of the TXT record: asking, same-id, new-id, no-record, ... (sts::Absence), dns-error.
  std::string_view txt{};
  /// Of the policy: waiting, asking, saving, fetched, or the fault that prevented it (base::Fault).
  std::string_view fetch{};
  /// Of the DANE gate: off, unsigned, mx-error, dane, no-tlsa, error.
  std::string_view gate{};
};

/// The answer to one question, in terms of the standards; postfix/ writes it in Postfix's.
struct Decision {
  enum class Kind {
    no_policy,  ///< nothing is required by MTA-STS: Postfix's own default applies
    secure,     ///< TLS with a certificate that satisfies `policy`
    dane,       ///< TLS authenticated by TLSA records, at every host (RFC 7672)
    temporary   ///< not known now, and neither of the others may be guessed: defer
  };

  Kind kind = Kind::no_policy;
  Cause cause = Cause::none;  ///< of `temporary`
  std::string reason;         ///< for people, printable; of `temporary` and of `no_policy`
  /// Of `secure`: the one to satisfy. Of `no_policy`: the one that asks for nothing, if any.
  std::shared_ptr<const sts::StoredPolicy> policy;
  /// Of `secure` in the compat profile: the names that a certificate may be valid for, at most 64.
  /// The MX hosts that the policy allows, by preference; then the other names that the policy
  /// itself writes out; then MX hosts of the last day that it allows (decisions.md 27). Empty if it
  /// allows none of the hosts that exist now.
  std::vector<std::string> mx_names;
  /// Of `secure`: the MX hosts that exist, at most 64 of them, if they are known and the policy
  /// allows none, so that no mail can be delivered.
  std::shared_ptr<const std::vector<std::string>> elsewhere;
  /// Until then the same question has the same answer; the past if it must be asked anew.
  base::WallTime valid_until{};
  Trail trail{};
};

/// "no-policy", "secure", "dane-only", "temporary", for logs.
std::string_view name_of(Decision::Kind kind);

/// Applies a valid policy: what the terms of the question make of it (RFC 8461 section 5,
/// decisions.md "Answers" 1, 2, 9, 12, 27). `hosts` are the MX hosts of the domain, if known; they
/// must be where needs_mx_hosts() says so. valid_until is left to the caller.
Decision apply(std::shared_ptr<const sts::StoredPolicy> policy, const Question& question,
               const MxHosts* hosts);

/// True if the policy allows one of these hosts.
bool allows_any(const sts::Policy& policy, const MxHosts& hosts);

/// True if `policy` is to be enforced for a question on these terms (RFC 8461 section 5,
/// decisions.md 12).
bool is_enforced(const sts::Policy& policy, const Terms& terms);

/// True if `policy`, applied to a question on these terms, is answered by names of MX hosts, which
/// must be looked up first.
bool needs_mx_hosts(const sts::Policy& policy, const Terms& terms);

}  // namespace tlspolicyd::service
