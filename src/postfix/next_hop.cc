#include "postfix/next_hop.h"

#include <algorithm>

#include "base/address.h"
#include "base/ascii.h"
#include "sts/policy_domain.h"

namespace tlspolicyd::postfix {
namespace {

constexpr std::uint16_t kSmtpPort = 25;

struct Service {
  std::string_view name;
  std::uint16_t port;
};
// Postfix asks services(5); these are the names, and their aliases there, that a mail next-hop can
// sensibly have.
constexpr Service kServices[] = {{"smtp", 25},         {"mail", 25},   {"submission", 587},
                                 {"submissions", 465}, {"smtps", 465}, {"ssmtp", 465},
                                 {"urd", 465},         {"lmtp", 24}};

/// A key taken apart, nothing of it judged yet.
struct Parts {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
};

base::Result<Parts> split_bracketed(std::string_view key) {
  const auto close = key.find(']');
  if (close == std::string_view::npos) return base::Error{base::Fault::invalid, "missing ]"};
  auto rest = key.substr(close + 1);
  if (!rest.empty()) {
    if (rest.front() != ':') return base::Error{base::Fault::invalid, "text after ]"};
    rest.remove_prefix(1);
  }
  return Parts{key.substr(1, close - 1), rest, true};
}

/// More than one colon is no port but an IPv6 literal, which is refused as the host.
Parts split_plain(std::string_view key) {
  if (std::count(key.begin(), key.end(), ':') != 1) return Parts{key, {}};
  const auto colon = key.find(':');
  return Parts{key.substr(0, colon), key.substr(colon + 1)};
}

/// RFC 6335 5.1, without the names that begin with a digit.
bool is_service_name(std::string_view text) {
  return text.size() <= 15 && base::is_alpha(text.front()) && base::is_host_label(text);
}

base::Result<std::uint16_t> port_of(std::string_view text) {
  if (text.empty()) return kSmtpPort;
  for (const auto& service : kServices)
    if (service.name == text) return service.port;
  // The policy does not depend on the port: a service that only Postfix knows loses no protection.
  // DANE does; of such a host the TLSA records for port 25 are looked at.
  if (is_service_name(text)) return kSmtpPort;
  return base::parse_port(text);
}

}  // namespace

base::Result<NextHop> parse_next_hop(std::string_view key) {
  const base::Result<Parts> parts =
      key.starts_with('[') ? split_bracketed(key) : base::Result<Parts>(split_plain(key));
  if (!parts) return parts.error();
  if (parts->host.size() > base::DomainName::kMaxLength)
    return base::Error{base::Fault::invalid, "name is too long"};
  auto domain = sts::policy_domain(parts->host);
  if (!domain) return domain.error();
  const auto port = port_of(parts->port);
  if (!port) return port.error();
  return NextHop{std::move(*domain), *port, parts->bracketed};
}

}  // namespace tlspolicyd::postfix
