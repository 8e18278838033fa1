#pragma once

#include "tool/doctor_facts.h"
#include "tool/findings.h"

/// What is well and what is not: pure, from facts to findings, each with what mends it.
namespace tlspolicyd::tool {

Findings judge_configuration(const ConfigurationFacts& facts);
Findings judge_daemon(const DaemonFacts& facts);
Findings judge_resolver(const ResolverFacts& facts);
Findings judge_https(const HttpsFacts& facts);
Findings judge_trust(const TrustFacts& facts);
Findings judge_machine(const MachineFacts& facts);

/// Postfix's version, main.cf and master.cf against the daemon's configuration.
Findings judge_postfix(const PostfixFacts& facts);
/// Whether smtp(8), chrooted or not, finds the socket and the resolver that the daemon has.
Findings judge_surroundings(const PostfixFacts& facts);

}  // namespace tlspolicyd::tool
