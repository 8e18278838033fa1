#include "postfix/reply.h"

#include "base/ascii.h"
#include "postfix/tls_policy.h"

namespace tlspolicyd::postfix {
namespace {

// Postfix takes 100,000 bytes (socketmap_max_reply_size).
constexpr std::size_t kMaxReply = 90'000;
constexpr std::size_t kMaxReason = 200;

TlsPolicy compat_policy(const service::Decision& decision) {
  TlsPolicy policy;
  policy.level = "secure";
  policy.match = decision.mx_names;
  policy.servername = "hostname";
  return policy;
}

/// "*.example.com" as Postfix writes it in match=: ".example.com".
std::string match_element(const sts::MxPattern& pattern) {
  return pattern.is_wildcard() ? pattern.text().substr(1) : pattern.text();
}

TlsPolicy tlsrpt_policy(const service::Decision& decision, const base::DomainName& domain) {
  const auto& stored = decision.policy->policy;
  TlsPolicy policy;
  policy.level = "secure";
  for (const auto& pattern : stored.mx) {
    if (pattern.is_matchable()) policy.match.push_back(match_element(pattern));
    policy.mx_host_pattern.push_back(pattern.text());
  }
  policy.servername = "hostname";
  policy.policy_type = "sts";
  policy.policy_domain = domain.text();
  policy.policy_string = sts::policy_lines(stored);
  return policy;
}

std::string write(const TlsPolicy& policy) {
  std::string out = policy.level + " match=";
  for (const auto& element : policy.match) {
    if (&element != &policy.match.front()) out += ':';
    out += element;
  }
  out += " servername=" + policy.servername;
  if (policy.policy_type.empty()) return out;
  out += " policy_type=" + policy.policy_type + " policy_domain=" + policy.policy_domain;
  for (const auto& line : policy.policy_string) out += " { policy_string = " + line + " }";
  for (const auto& pattern : policy.mx_host_pattern) out += " mx_host_pattern=" + pattern;
  return out;
}

}  // namespace

std::string render_temporary(std::string_view reason) {
  constexpr std::string_view kCut = "...";
  const bool fits = reason.size() <= kMaxReason;
  std::string reply = "TEMP ";
  for (char c : reason.substr(0, fits ? kMaxReason : kMaxReason - kCut.size()))
    reply += base::is_printable(c) ? c : '?';
  if (!fits) reply += kCut;
  return reply;
}

std::string render_reply(const service::Decision& decision, const service::Question& question) {
  if (decision.kind == service::Decision::Kind::no_policy) return "NOTFOUND ";
  if (decision.kind == service::Decision::Kind::temporary) return render_temporary(decision.reason);
  // Nothing of MTA-STS goes with it: what cannot be authenticated by DANE must not be delivered.
  if (decision.kind == service::Decision::Kind::dane) return "OK dane-only";

  auto policy = question.terms.profile == service::Profile::tlsrpt
                    ? tlsrpt_policy(decision, question.domain)
                    : compat_policy(decision);
  if (policy.match.empty()) policy.match.emplace_back(kNoMatch);
  auto text = write(policy);
  if (text.size() > kMaxReply) {
    policy.policy_string.resize(1);
    text = write(policy);
  }
  const auto understood = parse_tls_policy(text);
  if (text.size() > kMaxReply || !base::is_printable(text) || !understood || *understood != policy)
    return render_temporary(question.domain.text() + ": policy cannot be written as a reply");
  return "OK " + text;
}

}  // namespace tlspolicyd::postfix
