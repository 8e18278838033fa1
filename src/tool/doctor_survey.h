#pragma once

#include <string>
#include <utility>

#include "config/config.h"
#include "tool/doctor_facts.h"

namespace tlspolicyd::tool {

/// What the network is asked for.
struct SurveyOptions {
  std::string bogus_name = "dnssec-failed.org";  ///< its signatures are broken on purpose
  std::string probe_domain = "gmail.com";        ///< one that surely has a policy
};

/// Asks each name server by itself, and fetches a policy as the daemon would. Everything at once;
/// takes as long as the slowest, some 20 s at most.
std::pair<ResolverFacts, HttpsFacts> survey(const config::Config& config,
                                            const SurveyOptions& options);

}  // namespace tlspolicyd::tool
