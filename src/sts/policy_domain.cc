#include "sts/policy_domain.h"

#include <algorithm>
#include <string>

#include "base/address.h"
#include "base/ascii.h"

namespace tlspolicyd::sts {
namespace {

base::Error refused(std::string why) { return {base::Fault::invalid, std::move(why)}; }

bool is_address_literal(std::string_view host) {
  constexpr std::string_view kTag = "ipv6:";
  const auto head = host.substr(0, kTag.size());
  const bool tagged = std::equal(head.begin(), head.end(), kTag.begin(), kTag.end(),
                                 [](char a, char b) { return base::to_lower(a) == b; });
  return tagged || base::Address::parse(host).ok();
}

bool is_special_use(std::string_view top_level) {
  return top_level == "localhost" || top_level == "invalid" || top_level == "onion" ||
         top_level == "local";
}

/// What Postfix's valid_hostname() asks beyond the form of base::DomainName; it would refuse a
/// whole reply for a policy_domain that is otherwise.
bool is_host_name(std::string_view name) {
  const bool numeric =
      std::all_of(name.begin(), name.end(), [](char c) { return base::is_digit(c) || c == '.'; });
  return !numeric && !name.starts_with('-') && !name.ends_with('-') &&
         name.find("-.") == std::string_view::npos && name.find(".-") == std::string_view::npos;
}

}  // namespace

base::Result<base::DomainName> policy_domain(std::string_view host) {
  if (host.empty()) return refused("empty next-hop");
  if (std::any_of(host.begin(), host.end(), [](char c) { return base::is_ctl(c) || c == ' '; }))
    return refused("control character or space in the next-hop");
  if (host.starts_with('.')) return refused("a parent domain has no say over its subdomains");
  if (host.starts_with('/')) return refused("a socket is no domain");
  if (is_address_literal(host)) return refused("an address literal has no policy domain");
  auto name = base::DomainName::parse(host);
  if (!name) return name.error();
  if (!is_host_name(name->text())) return refused("not a host name");
  if (name->is_single_label()) return refused("a single label is no policy domain");
  if (is_special_use(name->top_level())) return refused("special-use name");
  if (!name->below("_mta-sts")) return refused("name is too long");
  return name;
}

}  // namespace tlspolicyd::sts
