#include "tool/explanation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {
namespace {

using base::printable;
using nlohmann::json;

std::string_view verdict_word(sts::TxtSelection::Verdict verdict) {
  switch (verdict) {
    case sts::TxtSelection::Verdict::ok: return "ok";
    case sts::TxtSelection::Verdict::none: return "none";
    case sts::TxtSelection::Verdict::invalid: return "invalid";
    case sts::TxtSelection::Verdict::multiple: return "several";
  }
  return "";
}

std::string_view conclusion(const Explanation& of) {
  switch (of.exit_code) {
    case kFound: return "protected: Postfix must verify the certificate";
    case kNotFound: return "unprotected: Postfix uses its own default level";
    case kDeferred: return "deferred: no MX host of the domain can satisfy its policy";
    default: return "could not be told now";
  }
}

class Text {
 public:
  template <class... A>
  void line(std::string_view label, fmt::format_string<A...> format, A&&... values) {
    fmt::format_to(std::back_inserter(out_), "{:<10} {}\n", label,
                   fmt::format(format, std::forward<A>(values)...));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write_txt(Text& text, const Explanation& of) {
  const auto& txt = *of.txt;
  const auto ms = txt.took.count();
  if (!txt.outcome) {
    text.line("TXT", "_mta-sts.{}: look-up failed: {} ({} ms)", of.domain, txt.outcome.error().text,
              ms);
    return;
  }
  text.line("TXT", "_mta-sts.{}: {} record(s), TTL {} s, {} ({} ms)", of.domain,
            txt.outcome->txt.size(), txt.outcome->ttl.count(),
            txt.outcome->authenticated ? "authenticated by DNSSEC" : "not authenticated", ms);
  for (const auto& record : txt.outcome->txt) text.line("", "\"{}\"", printable(record, 200));
  if (of.record->verdict == sts::TxtSelection::Verdict::ok) {
    text.line("", "valid, id {}", of.record->id);
  } else {
    text.line("", "{}: {}", verdict_word(of.record->verdict), of.record->reason);
  }
}

void write_https(Text& text, const Explanation& of) {
  const auto& step = *of.https;
  const auto url = fmt::format("https://mta-sts.{}/.well-known/mta-sts.txt", of.domain);
  if (!step.outcome) {
    text.line("HTTPS", "{}", url);
    text.line("", "failed: {} [{}] ({} ms)", step.outcome.error().text,
              name_of(step.outcome.error().fault), step.took.count());
    return;
  }
  const auto& reply = *step.outcome;
  text.line("HTTPS", "{}", url);
  text.line("", "status {}, {}, {} bytes, {} from {} ({} ms)", reply.status,
            reply.media_type.empty() ? "no Content-Type" : printable(reply.media_type, 100),
            reply.body.size(), reply.peer.tls_version, reply.peer.address, step.took.count());
  if (!reply.peer.subject.empty())
    text.line("", "certificate {} by {}, until {}", printable(reply.peer.subject, 200),
              printable(reply.peer.issuer, 200), reply.peer.not_after);
}

void write_policy(Text& text, const Explanation& of) {
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

void write_mx(Text& text, const Explanation& of) {
  if (!of.mx->outcome) {
    text.line("MX", "look-up failed: {} ({} ms)", of.mx->outcome.error().text, of.mx->took.count());
    return;
  }
  text.line("MX", "{} host(s), {} ({} ms)", of.mx_verdicts.size(),
            of.mx->outcome->authenticated ? "authenticated by DNSSEC" : "not authenticated",
            of.mx->took.count());
  for (const auto& mx : of.mx_verdicts)
    text.line("", "{}: {}", mx.host,
              mx.pattern.empty() ? "no pattern of the policy matches" : "matches " + mx.pattern);
}

template <class T>
json failure(const Step<T>& step) {
  return {{"fault", name_of(step.outcome.error().fault)},
          {"why", step.outcome.error().text},
          {"ms", step.took.count()}};
}

json txt_json(const Explanation& of) {
  if (!of.txt->outcome) return failure(*of.txt);
  json out{{"ms", of.txt->took.count()},
           {"ttl", of.txt->outcome->ttl.count()},
           {"authenticated", of.txt->outcome->authenticated},
           {"verdict", verdict_word(of.record->verdict)}};
  for (const auto& record : of.txt->outcome->txt) out["records"].push_back(printable(record));
  if (of.record->id.empty()) {
    out["why"] = of.record->reason;
  } else {
    out["id"] = of.record->id;
  }
  return out;
}

json https_json(const Explanation& of) {
  if (!of.https->outcome) return failure(*of.https);
  const auto& reply = *of.https->outcome;
  return {{"ms", of.https->took.count()},
          {"status", reply.status},
          {"media_type", printable(reply.media_type)},
          {"size", reply.body.size()},
          {"address", reply.peer.address},
          {"tls", reply.peer.tls_version},
          {"subject", printable(reply.peer.subject)},
          {"issuer", printable(reply.peer.issuer)},
          {"not_after", reply.peer.not_after}};
}

json mx_json(const Explanation& of) {
  if (!of.mx->outcome) return failure(*of.mx);
  json out{{"ms", of.mx->took.count()}, {"authenticated", of.mx->outcome->authenticated}};
  out["hosts"] = json::array();
  for (const auto& mx : of.mx_verdicts)
    out["hosts"].push_back({{"name", mx.host}, {"pattern", mx.pattern}});
  return out;
}

}  // namespace

std::string as_text(const Explanation& of) {
  Text text;
  if (of.domain.empty()) {
    text.line("next-hop", "{}: {}", printable(of.key), of.no_domain);
  } else {
    text.line("next-hop", "{}, policy domain {}", printable(of.key), of.domain);
  }
  if (of.txt) write_txt(text, of);
  if (of.addresses) {
    if (of.addresses->outcome) {
      std::string list;
      for (const auto& host : *of.addresses->outcome)
        list += " " + host.address.text() + (host.refused ? " (refused: special-purpose)" : "");
      text.line("address", "mta-sts.{}:{} ({} ms)", of.domain, list, of.addresses->took.count());
    } else {
      text.line("address", "mta-sts.{}: {} ({} ms)", of.domain, of.addresses->outcome.error().text,
                of.addresses->took.count());
    }
  }
  if (of.https) write_https(text, of);
  if (of.policy) write_policy(text, of);
  if (of.mx) write_mx(text, of);
  for (const auto& reply : of.replies) text.line("reply", "{}: {}", reply.map, reply.text);
  text.line("result", "{}", conclusion(of));
  return text.take();
}

std::string as_json(const Explanation& of) {
  json out{{"key", printable(of.key)}, {"result", conclusion(of)}, {"exit_code", of.exit_code}};
  if (of.domain.empty()) {
    out["why"] = of.no_domain;
  } else {
    out["domain"] = of.domain;
  }
  if (of.txt) out["txt"] = txt_json(of);
  if (of.addresses && of.addresses->outcome) {
    out["addresses"] = json::array();
    for (const auto& host : *of.addresses->outcome)
      out["addresses"].push_back({{"address", host.address.text()}, {"refused", host.refused}});
  } else if (of.addresses) {
    out["addresses"] = failure(*of.addresses);
  }
  if (of.https) out["https"] = https_json(of);
  if (of.policy && *of.policy) {
    out["policy"] = sts::policy_lines(**of.policy);
  } else if (of.policy) {
    out["policy"] = {{"fault", name_of(of.policy->error().fault)},
                     {"why", of.policy->error().text}};
  }
  if (of.mx) out["mx"] = mx_json(of);
  for (const auto& reply : of.replies) out["replies"][reply.map] = reply.text;
  return out.dump(2) + "\n";
}

}  // namespace tlspolicyd::tool
