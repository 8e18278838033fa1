#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/explanation.h"
#include "net/smtp_probe.h"

/// What Postfix would make of the hosts that mail goes to: pure, from an explanation to what is to
/// be asked of each host, and from what the host showed to a verdict.
namespace tlspolicyd::explain {

/// What the answer asks of a host.
struct Demand {
  enum class Kind {
    nothing,      ///< no TLS at all: Postfix's default level is not known here
    tls,          ///< TLS with whomever
    certificate,  ///< a trusted one for one of `names`
    tlsa,         ///< one that its TLSA records authenticate
    unknown       ///< see `why`
  };
  Kind kind = Kind::nothing;
  std::vector<std::string> names;  ///< elements of match=, keywords included
  std::string why;
  bool binding = true;  ///< false: a policy that is only tested
};

/// Which hosts are probed for what.
struct ProbePlan {
  /// More than Postfix would ever try (smtp_mx_address_limit).
  static constexpr std::size_t kMaxHosts = 16;

  struct Host {
    std::string name;
    bool allowed = true;                ///< by the patterns of the policy
    bool tlsa_known = false;            ///< `tlsa` is all there is
    std::vector<net::TlsaRecord> tlsa;  ///< usable ones
  };

  std::string domain;
  std::uint16_t port = 25;
  Demand demand;
  std::vector<Host> hosts;            ///< by preference
  std::vector<std::string> left_out;  ///< hosts beyond kMaxHosts
};

/// Nothing to probe: no hosts.
ProbePlan plan_probes(const Explanation& explanation);

/// The probe of one of these hosts. Error: Fault::invalid for a name that is none.
base::Result<net::SmtpProbeRequest> request_for(const ProbePlan& plan, const ProbePlan::Host& host,
                                                const std::string& our_name);

/// What came of one host.
struct MxProbe {
  enum class Verdict {
    accepted,
    refused,
    unreachable,  ///< no connection to it comes about from here
    not_checked,  ///< it was reached, and nobody knows what Postfix would make of it
    not_tried
  };
  std::string host;
  net::SmtpProbeReport report;
  Verdict verdict = Verdict::not_checked;
  std::string why;      ///< printable
  bool binding = true;  ///< false: nothing is refused yet, the policy is only tested
};

MxProbe judge_probe(const ProbePlan& plan, const ProbePlan::Host& host,
                    net::SmtpProbeReport report);

/// A host that was not probed.
MxProbe not_tried(const ProbePlan& plan, const std::string& host, std::string_view why);

/// True if a connection was tried, and none came about with any host: what is in between, at our
/// own end most likely, lets none pass.
bool is_cut_off(const std::vector<MxProbe>& probes);

/// What becomes of the outcome of an explanation by what its MX hosts showed: where mail is
/// protected and no host would be accepted, it waits, or nobody can tell.
Outcome outcome_after(Outcome before, const std::vector<MxProbe>& probes);

/// "would be accepted" and the like.
std::string_view describe(const MxProbe& probe);

/// "accepted", "refused", "unreachable", "not-checked", "not-tried".
std::string_view word_of(MxProbe::Verdict verdict);

}  // namespace tlspolicyd::explain
