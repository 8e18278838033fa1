#include "postfix/delivery_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/address.h"
#include "base/domain_name.h"
#include "base/log.h"

namespace tlspolicyd::postfix {
namespace {

using service::Decision;

constexpr std::size_t kMostNames = 5;
constexpr std::size_t kMostText = 600;

/// What Postfix's own text says (spec postfix.md 6.1).
enum class Failure {
  certificate,     ///< name or chain were not accepted
  not_offered,     ///< no STARTTLS
  refused,         ///< STARTTLS was answered by an error
  handshake,       ///< of TLS
  no_policy,       ///< the look-up failed
  dane,            ///< what DANE needs is not there
  no_host_allowed  ///< Postfix found no MX host that the policy allows
};

struct FixedText {
  std::string_view text;
  Failure failure;
  bool goes_on;  ///< the text is only a beginning
};

constexpr FixedText kFixedTexts[] = {
    {"Server certificate not verified", Failure::certificate, false},
    {"Server certificate not trusted", Failure::certificate, false},
    {"TLS is required, but was not offered by host ", Failure::not_offered, true},
    {"TLS is required, but host ", Failure::refused, true},
    {"Cannot start TLS: handshake failure", Failure::handshake, false},
    {"client TLS configuration problem", Failure::no_policy, false},
    {"no TLSA records found", Failure::dane, false},
    {"TLSA records unusable", Failure::dane, false},
    {"no matching DANE TLSA records", Failure::dane, false},
    {"TLSA lookup error for ", Failure::dane, true},
    {"non DNSSEC destination", Failure::dane, false},
    {"server unavailable or unable to receive mail", Failure::no_host_allowed, false},
};

const FixedText* find_text(std::string_view text) {
  const auto found =
      std::find_if(std::begin(kFixedTexts), std::end(kFixedTexts), [&](const FixedText& fixed) {
        return fixed.goes_on ? text.starts_with(fixed.text) : text == fixed.text;
      });
  return found == std::end(kFixedTexts) ? nullptr : found;
}

bool is_status_code(std::string_view code) {
  return code.size() >= 5 && code.size() <= 9 && (code[0] == '4' || code[0] == '5') &&
         code[1] == '.' && code.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// A delivery status that is one of the fixed texts.
struct FixedStatus {
  std::string_view code;
  const FixedText* fixed;
  std::string_view rest;  ///< what follows the fixed text
};

std::optional<FixedStatus> read_status(std::string_view status) {
  const auto space = status.find(' ');
  if (space == std::string_view::npos || !is_status_code(status.substr(0, space))) return {};
  const auto text = status.substr(space + 1);
  const auto* fixed = find_text(text);
  if (!fixed) return {};
  return FixedStatus{status.substr(0, space), fixed, text.substr(fixed->text.size())};
}

/// "host mx.example.org[192.0.2.1]" of a text that goes on like this; "its mail server" if that
/// cannot be read.
std::string host_of(std::string_view rest) {
  const auto open = rest.find('[');
  const auto close = rest.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return "its mail server";
  const auto name = base::DomainName::parse(rest.substr(0, open));
  const auto address = base::Address::parse(rest.substr(open + 1, close - open - 1));
  if (!name || !address) return "its mail server";
  return fmt::format("host {}[{}]", name->text(), address->text());
}

std::string publishes(std::string_view domain, const sts::StoredPolicy& stored) {
  return fmt::format("{} publishes an MTA-STS policy (mode {}, id {})", domain,
                     name_of(stored.policy.mode), stored.id);
}

std::string required_certificate(const Requirement& required) {
  if (required.names.empty()) return "requires a trusted certificate for its mail servers";
  return fmt::format("requires a trusted certificate for {}", list_of(required.names, "or"));
}

/// What happened, where the requirement was TLS.
std::string what_failed(Failure failure, std::string_view rest) {
  switch (failure) {
    case Failure::certificate: return "the server's certificate could not be verified";
    case Failure::not_offered: return host_of(rest) + " does not offer TLS";
    case Failure::refused: return host_of(rest) + " refused to start TLS";
    case Failure::handshake: return "the TLS handshake failed";
    default: return "";
  }
}

std::string by_sts(const Requirement& required, Failure failure, std::string_view rest) {
  if (!required.policy) return "";
  if (required.elsewhere &&
      (failure == Failure::certificate || failure == Failure::no_host_allowed))
    return explain_elsewhere(required.domain, *required.policy, *required.elsewhere);
  const auto failed = what_failed(failure, rest);
  if (failed.empty()) return "";
  return fmt::format("{} that {}, but {}; see https://mta-sts.{}/.well-known/mta-sts.txt",
                     publishes(required.domain, *required.policy), required_certificate(required),
                     failed, required.domain);
}

std::string by_dane(const Requirement& required, const FixedText& fixed, std::string_view rest) {
  std::string failed = what_failed(fixed.failure, rest);
  if (fixed.failure == Failure::certificate)
    failed = "the server's certificate does not match them";
  if (fixed.failure == Failure::dane)
    failed = fixed.goes_on ? "they could not be looked up" : std::string(fixed.text);
  if (failed.empty()) return "";
  return fmt::format(
      "{} has mail servers with TLSA records in the DNS, so that DANE (RFC 7672) is required, "
      "but {}",
      required.domain, failed);
}

std::string by_trouble(const Requirement& required, Failure failure) {
  if (failure != Failure::no_policy) return "";
  auto reason = required.reason;
  if (reason.starts_with(required.domain) &&
      reason.substr(required.domain.size()).starts_with(": "))
    reason.remove_prefix(required.domain.size() + 2);
  return fmt::format("what {} requires of TLS could not be found out: {}", required.domain, reason);
}

}  // namespace

std::string explain_status(std::string_view status, const Requirement& required) {
  const auto read = read_status(status);
  if (!read) return "";
  const auto& [code, fixed, rest] = *read;
  std::string told;
  switch (required.kind) {
    case Decision::Kind::no_policy: break;
    case Decision::Kind::secure: told = by_sts(required, fixed->failure, rest); break;
    case Decision::Kind::dane: told = by_dane(required, *fixed, rest); break;
    case Decision::Kind::temporary: told = by_trouble(required, fixed->failure); break;
  }
  if (told.empty()) return "";
  return fmt::format("{} {}", code, base::printable(told, kMostText));
}

bool suggests_outdated_findings(std::string_view status) {
  const auto read = read_status(status);
  if (!read) return false;
  const auto failure = read->fixed->failure;
  return failure == Failure::certificate || failure == Failure::dane ||
         failure == Failure::no_host_allowed;
}

bool is_no_host_allowed(std::string_view status) {
  const auto read = read_status(status);
  return read && read->fixed->failure == Failure::no_host_allowed;
}

std::string list_of(const std::vector<std::string>& names, std::string_view last_word) {
  std::string out;
  const auto shown = std::min(names.size(), kMostNames);
  for (std::size_t at = 0; at < shown; ++at) {
    if (at > 0)
      out += at + 1 == shown && shown == names.size() ? fmt::format(" {} ", last_word) : ", ";
    out += names[at];
  }
  if (shown < names.size()) out += fmt::format(" {} {} more", last_word, names.size() - shown);
  return out;
}

std::vector<std::string> allowed_by(const sts::Policy& policy) {
  std::vector<std::string> patterns;
  for (const auto& pattern : policy.mx) patterns.push_back(pattern.text());
  return patterns;
}

std::string explain_elsewhere(std::string_view domain, const sts::StoredPolicy& stored,
                              const std::vector<std::string>& elsewhere) {
  return fmt::format("{} that allows mail to {} only, but {}", publishes(domain, stored),
                     list_of(allowed_by(stored.policy), "and"),
                     elsewhere.empty() ? "it has no mail server"
                                       : "its mail servers are " + list_of(elsewhere, "and"));
}

}  // namespace tlspolicyd::postfix
