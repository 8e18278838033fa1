#include "policy_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace tlspolicyd::property {
namespace {

constexpr const char* kNobody = "no-mx-matches-policy.invalid";

/// RFC 8461 4.1; a single label is no MX host's name (P-28).
bool matches(const std::string& pattern, const std::string& host) {
  if (pattern.find('.') == std::string::npos) return false;
  if (!pattern.starts_with("*.")) return pattern == host;
  const auto dot = host.find('.');
  return dot != std::string::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

bool allows(const PolicyText& policy, const std::string& host) {
  return std::any_of(policy.mx.begin(), policy.mx.end(),
                     [&](const auto& pattern) { return matches(pattern, host); });
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

postfix::TlsPolicy secure(std::vector<std::string> names) {
  postfix::TlsPolicy policy;
  policy.level = "secure";
  policy.match = std::move(names);
  if (policy.match.empty()) policy.match.emplace_back(kNobody);
  policy.servername = "hostname";
  return policy;
}

}  // namespace

std::vector<std::string> PolicyText::lines() const {
  std::vector<std::string> all{"version: STSv1",
                               "mode: " + std::string(mode == sts::Mode::enforce   ? "enforce"
                                                      : mode == sts::Mode::testing ? "testing"
                                                                                   : "none")};
  for (const auto& pattern : mx) all.push_back("mx: " + pattern);
  all.push_back(fmt::format("max_age: {}", max_age.count()));
  return all;
}

std::string PolicyText::body() const {
  std::string text;
  for (const auto& line : lines()) text += line + "\r\n";
  return text;
}

bool allows_one(const PolicyText& policy, const std::vector<std::string>& hosts) {
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const auto& host) { return allows(policy, host); });
}

postfix::TlsPolicy by_only_name(const PolicyText& policy, const std::string& host) {
  return allows(policy, host) ? secure({host}) : secure({});
}

bool is_by_names(const postfix::TlsPolicy& told, const PolicyText& policy,
                 const std::vector<std::string>& hosts,
                 const std::vector<std::string>& of_last_day) {
  std::vector<std::string> names;
  for (const auto& host : hosts)
    if (allows(policy, host)) names.push_back(host);
  if (names.empty()) return told == secure({});
  for (const auto& pattern : policy.mx)
    if (!pattern.starts_with("*.") && allows(policy, pattern) && !has(names, pattern))
      names.push_back(pattern);
  for (auto at = names.size(); at < told.match.size(); ++at) {
    const auto& name = told.match[at];
    if (!allows(policy, name) || !has(of_last_day, name) || has(names, name)) return false;
    names.push_back(name);
  }
  return told == secure(std::move(names));
}

postfix::TlsPolicy by_patterns(const PolicyText& policy, const std::string& domain) {
  std::vector<std::string> elements;
  for (const auto& pattern : policy.mx)
    if (pattern.find('.') != std::string::npos)
      elements.push_back(pattern.starts_with("*.") ? pattern.substr(1) : pattern);
  auto reply = secure(std::move(elements));
  reply.policy_type = "sts";
  reply.policy_domain = domain;
  reply.policy_string = policy.lines();
  reply.mx_host_pattern = policy.mx;
  return reply;
}

}  // namespace tlspolicyd::property
