#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/dns.h"
#include "net/https.h"
#include "service/mx_hosts.h"
#include "sts/policy.h"
#include "sts/txt_record.h"

namespace tlspolicyd::tool {

/// A step of the decision: what came of it and how long it took.
template <class T>
struct Step {
  base::Result<T> outcome;
  base::milliseconds took{0};
};

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

/// Everything that led to the answer for one next-hop. Steps that were not needed are absent.
struct Explanation {
  std::string key;        ///< as it was asked
  std::string domain;     ///< the policy domain, "" if there is none
  std::string no_domain;  ///< why there is none

  std::optional<Step<net::DnsAnswer>> txt;
  std::optional<sts::TxtSelection> record;
  std::optional<Step<std::vector<HostAddress>>> addresses;
  std::optional<Step<net::HttpsReply>> https;
  std::optional<base::Result<sts::Policy>> policy;
  std::optional<Step<service::MxHosts>> mx;
  std::vector<MxVerdict> mx_verdicts;

  struct Reply {
    std::string map;
    std::string text;
  };
  std::vector<Reply> replies;
  int exit_code = 0;  ///< ExitCode
};

/// For people: one block per step.
std::string as_text(const Explanation& explanation);

/// For programs: the same as one JSON object.
std::string as_json(const Explanation& explanation);

}  // namespace tlspolicyd::tool
