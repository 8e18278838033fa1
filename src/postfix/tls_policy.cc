#include "postfix/tls_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace tlspolicyd::postfix {
namespace {

using base::Error;
using base::Fault;

Error refused(std::string_view what, std::string_view where) {
  return {Fault::invalid, fmt::format("{} \"{}\"", what, where.substr(0, 80))};
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_separator(char c) { return is_space(c) || c == ','; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = base::to_lower(c);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

/// Cuts the next token off `rest`: separators inside balanced braces do not end it (mystrtokq).
std::string_view next_token(std::string_view& rest) {
  while (!rest.empty() && is_separator(rest.front())) rest.remove_prefix(1);
  std::size_t end = 0;
  int depth = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    if (depth == 0 && is_separator(c)) break;
  }
  const auto token = rest.substr(0, end);
  rest.remove_prefix(end);
  return token;
}

struct Attribute {
  std::string name;  ///< lower case
  std::string value;
};

/// "name=value" or "{ name = value }" (split_nameval, extpar).
base::Result<Attribute> split_attribute(std::string_view token) {
  std::string braced;
  std::string_view text = token;
  if (text.starts_with('{')) {
    if (!text.ends_with('}') || text.size() < 2)
      return refused("syntax after '}' or missing '}' in", token);
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '{') ++depth;
      if (text[at] == '}' && --depth == 0 && at + 1 < text.size())
        return refused("syntax after '}' in", token);
    }
    if (depth != 0) return refused("missing '}' in", token);
    braced = with_single_spaces(trimmed(text.substr(1, text.size() - 2)));
    text = braced;
  }
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    return refused("missing '=' after attribute name in", token);
  const auto name = trimmed(text.substr(0, equals));
  if (name.empty()) return refused("missing attribute name in", token);
  if (std::any_of(name.begin(), name.end(), is_space))
    return refused("blank in attribute name in", token);
  return Attribute{lowered(name), std::string(trimmed(text.substr(equals + 1)))};
}

/// valid_hostname(): letters, digits, hyphens, underscores; no empty label; not all numeric.
bool is_hostname(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  std::size_t label = 0;
  bool only_digits = true;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c == '.') {
      if (label == 0 || name[at - 1] == '-' || at + 1 == name.size()) return false;
      label = 0;
      continue;
    }
    if (!base::is_alnum(c) && c != '-' && c != '_') return false;
    if (c == '-' && (label == 0 || at + 1 == name.size())) return false;
    if (++label > 63) return false;
    if (!base::is_digit(c)) only_digits = false;
  }
  return !only_digits;
}

bool is_pkix(std::string_view level) { return level == "verify" || level == "secure"; }

bool is_yes_no(std::string_view value) {
  const auto word = lowered(value);
  return word == "yes" || word == "no";
}

/// Sets what may be given once only.
std::optional<Error> set_once(std::string& slot, const Attribute& attribute) {
  if (!slot.empty()) return refused("attribute is specified multiple times:", attribute.name);
  slot = attribute.value;
  return std::nullopt;
}

std::optional<Error> add_match(TlsPolicy& policy, std::string_view value) {
  const bool by_print = policy.level == "fingerprint";
  if (value.empty()) return refused("attribute has empty value:", "match");
  if (!by_print && !is_pkix(policy.level))
    return refused("match is invalid at level", policy.level);
  const char separator = by_print ? '|' : ':';
  while (!value.empty()) {
    const auto end = std::min(value.find(separator), value.size());
    if (end > 0) policy.match.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return std::nullopt;
}

std::optional<Error> check_word(std::string_view value,
                                std::initializer_list<std::string_view> words) {
  const auto word = lowered(value);
  if (std::find(words.begin(), words.end(), word) != words.end()) return std::nullopt;
  return refused("unexpected value", value);
}

std::optional<Error> take(TlsPolicy& policy, const Attribute& attribute) {
  const auto& [name, value] = attribute;
  if (name == "match") return add_match(policy, value);
  if (name == "ciphers") {
    if (value.empty()) return refused("attribute has empty value:", name);
    return set_once(policy.ciphers, attribute);
  }
  if (name == "protocols") return set_once(policy.protocols, attribute);
  if (name == "exclude") return set_once(policy.exclude, attribute);
  if (name == "servername") {
    if (!is_hostname(value)) return refused("servername is no hostname:", value);
    return set_once(policy.servername, attribute);
  }
  if (name == "tafile") {
    if (!is_pkix(policy.level)) return refused("tafile is invalid at level", policy.level);
    if (value.empty()) return refused("attribute has empty value:", name);
    policy.tafile.push_back(value);
    return std::nullopt;
  }
  if (name == "connection_reuse" || name == "enable_rpk") {
    if (!is_yes_no(value)) return refused("neither yes nor no:", value);
    (name == "enable_rpk" ? policy.enable_rpk : policy.connection_reuse) = value;
    return std::nullopt;
  }
  if (name == "policy_type") {
    if (auto error = check_word(value, {"sts", "no-policy-found"})) return error;
    return set_once(policy.policy_type, attribute);
  }
  if (name == "policy_domain") {
    if (!is_hostname(value)) return refused("policy_domain is no hostname:", value);
    return set_once(policy.policy_domain, attribute);
  }
  if (name == "policy_ttl") {
    if (value.empty() || !std::all_of(value.begin(), value.end(), base::is_digit))
      return refused("policy_ttl is no number:", value);
    return set_once(policy.policy_ttl, attribute);
  }
  if (name == "policy_failure") {
    if (auto error = check_word(value, {"sts-policy-fetch-error", "sts-policy-invalid",
                                        "sts-webpki-invalid", "validation-failure"}))
      return error;
    return set_once(policy.policy_failure, attribute);
  }
  if (name == "policy_string" || name == "mx_host_pattern") {
    (name == "policy_string" ? policy.policy_string : policy.mx_host_pattern).push_back(value);
    return std::nullopt;
  }
  return refused("invalid attribute name:", name);
}

}  // namespace

base::Result<TlsPolicy> parse_tls_policy(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kLevels = {
      "none", "may", "encrypt", "fingerprint", "dane", "dane-only", "verify", "secure"};
  const auto level = next_token(text);
  if (level.empty()) return Error{Fault::invalid, "empty policy"};
  TlsPolicy policy;
  policy.level = lowered(level);
  if (std::find(kLevels.begin(), kLevels.end(), policy.level) == kLevels.end())
    return refused("invalid security level", level);
  if (policy.level == "none") return policy;  // attributes are ignored

  for (auto token = next_token(text); !token.empty(); token = next_token(text)) {
    const auto attribute = split_attribute(token);
    if (!attribute) return attribute.error();
    if (auto error = take(policy, *attribute)) return *error;
  }
  const bool has_report = !policy.policy_string.empty() || !policy.mx_host_pattern.empty() ||
                          !policy.policy_domain.empty() || !policy.policy_ttl.empty() ||
                          !policy.policy_failure.empty();
  if (policy.policy_type.empty() && has_report)
    return Error{Fault::invalid, "attributes of a report without policy_type"};
  return policy;
}

}  // namespace tlspolicyd::postfix
