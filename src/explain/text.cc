#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/log.h"
#include "explain/explanation.h"
#include "explain/labelled_lines.h"
#include "explain/words.h"

namespace tlspolicyd::explain {
namespace {

using base::printable;

// Of one kind: an answer of the DNS may hold thousands of records.
constexpr std::size_t kMaxListed = 64;

template <class T>
std::span<const T> first_of(const std::vector<T>& list) {
  return std::span(list).first(std::min(list.size(), kMaxListed));
}

template <class T>
void write_rest(LabelledLines& text, const std::vector<T>& list) {
  if (list.size() > kMaxListed) text.line("", "and {} more", list.size() - kMaxListed);
}

std::string_view by_dnssec(const net::DnsAnswer& answer) {
  return answer.authenticated ? "authenticated by DNSSEC" : "not authenticated";
}

/// Why a step gave nothing.
template <class Asked, class Told>
std::string failure(const Step<Asked, Told>& step) {
  if (!step.outcome) return "still under way when the answer had to leave";
  const auto& error = step.outcome->error();
  return fmt::format("failed: {} [{}] ({} ms)", error.text, name_of(error.fault),
                     step.took.count());
}

void write_txt(LabelledLines& text, const Explanation& of) {
  const auto& step = *of.txt;
  if (!step.succeeded()) {
    text.line("TXT", "{}: {}", step.asked.name.text(), failure(step));
    return;
  }
  const auto& answer = step.outcome->value();
  text.line("TXT", "{}: {} record(s), TTL {} s, {} ({} ms)", step.asked.name.text(),
            answer.txt.size(), answer.ttl.count(), by_dnssec(answer), step.took.count());
  for (const auto& record : first_of(answer.txt)) text.line("", "\"{}\"", printable(record, 200));
  write_rest(text, answer.txt);
  if (of.record->verdict == sts::TxtSelection::Verdict::ok) {
    text.line("", "valid, id {}", of.record->id);
  } else {
    text.line("", "{}: {}", word_of(of.record->verdict), of.record->reason);
  }
}

void write_addresses(LabelledLines& text, const Explanation& of) {
  if (of.address_steps.empty()) return;
  const auto& host = of.https->asked.host.text();
  std::string list;
  for (const auto& address : first_of(of.addresses))
    list += " " + address.address.text() +
            (address.refused ? " (refused: special-purpose, see https.allow_addresses)" : "");
  if (!list.empty()) text.line("address", "{}:{}", host, list);
  write_rest(text, of.addresses);
  for (const auto& step : of.address_steps)
    if (!step.succeeded())
      text.line("address", "{} {}: {}", host, name_of(step.asked.type), failure(step));
}

void write_https(LabelledLines& text, const Explanation& of) {
  const auto& step = *of.https;
  text.line("HTTPS", "https://{}{}", step.asked.host.text(), step.asked.path);
  if (!step.succeeded()) {
    text.line("", "{}", failure(step));
    return;
  }
  const auto& reply = step.outcome->value();
  text.line("", "status {}, {}, {} bytes, {} from {} ({} ms)", reply.status,
            reply.media_type.empty() ? "no Content-Type" : printable(reply.media_type, 100),
            reply.body.size(), reply.peer.tls_version, reply.peer.address, step.took.count());
  if (!reply.peer.subject.empty())
    text.line("", "certificate {} by {}, until {}", printable(reply.peer.subject, 200),
              printable(reply.peer.issuer, 200), reply.peer.not_after);
}

void write_policy(LabelledLines& text, const Explanation& of) {
  if (!*of.policy) {
    text.line("policy", "not valid: {}", of.policy->error().text);
    return;
  }
  bool first = true;
  for (const auto& line : sts::policy_lines(**of.policy)) {
    text.line(first ? "policy" : "", "{}", line);
    first = false;
  }
}

void write_mx(LabelledLines& text, const Explanation& of) {
  if (of.mx && !of.mx->succeeded()) {
    text.line("MX", "{}", failure(*of.mx));
    return;
  }
  if (of.mx) {
    text.line("MX", "{} host(s), {} ({} ms)", of.mx_verdicts.size(),
              by_dnssec(of.mx->outcome->value()), of.mx->took.count());
  } else {
    text.line("MX", "the next-hop is a host of its own");
  }
  const bool judged = of.policy && of.policy->ok();
  for (const auto& mx : of.mx_verdicts) {
    if (!judged) {
      text.line("", "{}", mx.host);
    } else if (mx.pattern.empty()) {
      text.line("", "{}: no pattern of the policy matches", mx.host);
    } else {
      text.line("", "{}: matches {}", mx.host, mx.pattern);
    }
  }
}

void write_gate(LabelledLines& text, const Explanation& of) {
  const auto& gate = *of.gate;
  if (!gate.why_not.empty()) {
    text.line("DANE", "not looked at: {}", gate.why_not);
    return;
  }
  text.line("DANE", "{}", gate.verdict);
  for (const auto& host : gate.hosts) {
    text.line("", "{} {}{}{}", host.host, describe(host.state), host.why.empty() ? "" : ": ",
              host.why);
  }
  for (const auto& step : gate.tlsa) {
    if (!step.succeeded()) {
      text.line("", "TLSA {}: {}", step.asked.name.text(), failure(step));
      continue;
    }
    const auto& answer = step.outcome->value();
    text.line("", "TLSA {}: {} record(s), {} ({} ms)", step.asked.name.text(), answer.tlsa.size(),
              by_dnssec(answer), step.took.count());
    for (const auto& record : first_of(answer.tlsa))
      text.line("", "  {} {}", text_of(record), is_usable(record) ? "usable" : "not usable");
    write_rest(text, answer.tlsa);
  }
}

/// An answer that waits, and neither for the MX hosts nor for their TLSA records.
void write_withheld(LabelledLines& text, const Explanation& of) {
  const auto& [cause, why] = *of.withheld;
  if (cause == service::Cause::pinned) {
    text.line("operator", "the configuration says that there must be a policy: {}", why);
  } else if (cause == service::Cause::txt) {
    text.line("operator", "the configuration says discovery.on_dns_error: temp: {}", why);
  } else {
    text.line("trouble", "our own, not the domain's: {} [{}]", why, name_of(cause));
  }
}

/// The daemon's own memory, beside what the TXT record says at this moment.
void write_cached(LabelledLines& text, const Explanation& of) {
  const auto& cached = *of.cached;
  if (!cached.policy) {
    text.line("cached", "the daemon remembers no policy");
    return;
  }
  const auto& stored = *cached.policy;
  const auto left = (stored.expires_at - cached.now).count();
  text.line("cached", "mode {}, id {}, fetched {} s ago, {}", name_of(stored.policy.mode),
            stored.id, (cached.now - stored.fetched_at).count(),
            left > 0 ? fmt::format("applied for another {} s", left) : "expired: not applied");
  if (of.record && !of.record->id.empty() && of.record->id != stored.id)
    text.line("", "the TXT record names {} by now", of.record->id);
}

}  // namespace

std::string as_text(const Explanation& of) {
  LabelledLines text;
  if (of.domain.empty()) {
    text.line("next-hop", "{}: {}", printable(of.key), of.no_domain);
  } else {
    text.line("next-hop", "{}, policy domain {}", printable(of.key), of.domain);
  }
  if (of.txt) write_txt(text, of);
  if (of.https) {
    write_addresses(text, of);
    write_https(text, of);
  }
  if (of.policy) write_policy(text, of);
  if (of.mx || (of.policy && of.policy->ok())) write_mx(text, of);
  if (of.gate) write_gate(text, of);
  if (of.withheld) write_withheld(text, of);
  if (of.cached) write_cached(text, of);
  if (!of.by_operator.empty())
    text.line("operator", "the configuration decides: {}", of.by_operator);
  for (const auto& reply : of.replies) text.line("reply", "{}: {}", reply.map, reply.text);
  text.line("result", "{}", result_of(of));
  return text.take();
}

}  // namespace tlspolicyd::explain
