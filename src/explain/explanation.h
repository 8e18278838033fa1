#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dane/verdict.h"
#include "explain/trace.h"
#include "service/decision.h"
#include "sts/lifecycle.h"
#include "sts/policy.h"
#include "sts/txt_record.h"

/// Why Postfix is told what it is told.
namespace tlspolicyd::explain {

/// An address of the policy host.
struct HostAddress {
  base::Address address;
  bool refused = false;  ///< special-purpose and not allowed
};

/// An MX host and what the policy says of it.
struct MxVerdict {
  std::string host;
  std::string pattern;  ///< the first that matches, "" if none does
};

/// What came of the DANE gate.
struct Gate {
  std::string why_not;                   ///< why it was not asked, "" if it was
  std::vector<dane::HostFinding> hosts;  ///< by preference
  std::vector<DnsStep> tlsa;             ///< the look-ups, in their order
  std::string verdict;                   ///< for people
};

/// Why the answer is TEMP, where that is no matter of the MX hosts.
struct Withheld {
  service::Cause cause = service::Cause::none;
  std::string why;  ///< printable
};

/// What becomes of mail to the next-hop.
enum class Outcome {
  guarded,      ///< it is delivered where a policy is satisfied, nowhere else
  unprotected,  ///< Postfix's own default applies
  deferred,     ///< it is kept: nothing satisfies what is required, or that cannot be told
  unknown       ///< that could not be told now
};

/// What a running daemon remembers of the policy domain.
struct Cached {
  std::shared_ptr<const sts::StoredPolicy> policy;  ///< nullptr for none
  base::WallTime now{};                             ///< when it was looked up
};

/// Everything that led to the answer for one next-hop. Steps that were not needed are absent.
struct Explanation {
  std::string key;        ///< as it was asked
  std::string domain;     ///< the policy domain, "" if there is none
  std::string no_domain;  ///< why there is none

  std::optional<DnsStep> txt;
  std::optional<sts::TxtSelection> record;
  std::vector<DnsStep> address_steps;  ///< of the policy host
  std::vector<HostAddress> addresses;
  std::optional<HttpsStep> https;
  std::optional<base::Result<sts::Policy>> policy;
  std::optional<DnsStep> mx;
  std::vector<MxVerdict> mx_verdicts;
  std::optional<Gate> gate;
  std::optional<Withheld> withheld;
  std::optional<Cached> cached;  ///< if a running daemon was asked

  struct Reply {
    std::string map;
    std::string text;
  };
  std::vector<Reply> replies;
  std::string
      by_operator;  ///< the configuration's word that decides, whatever the steps found; or ""
  Outcome outcome = Outcome::unknown;
};

/// For people: one block per step; the last line is the result.
std::string as_text(const Explanation& explanation);

/// For programs: the same as one JSON object.
std::string as_json(const Explanation& explanation);

/// "protected", "unprotected", "deferred", "unknown".
std::string_view word_of(Outcome outcome);

/// The outcome of that word in as_json(); unknown for any other.
Outcome outcome_of(std::string_view word);

/// "protected: Postfix must verify the certificate" and the like.
std::string_view describe(Outcome outcome);

/// The same of an explanation, with whose trouble it is where that is none of the domain's.
std::string_view result_of(const Explanation& explanation);

}  // namespace tlspolicyd::explain
