#include "postfix/overrides.h"

#include "base/ascii.h"
#include "postfix/netstring.h"
#include "postfix/reply.h"
#include "postfix/tls_policy.h"

namespace tlspolicyd::postfix {
namespace {

constexpr std::size_t kMostPolicy = 2000;
constexpr std::string_view kFound = "OK ";

}  // namespace

void Overrides::set_off(const base::DomainName& domain) { replies_[domain.text()] = kNotFound; }

base::Result<bool> Overrides::set_policy(const base::DomainName& domain,
                                         const std::string& policy) {
  if (!base::is_printable(policy) || policy.size() > kMostPolicy)
    return base::Error{base::Fault::invalid, "one line of printable ASCII is expected"};
  if (const auto understood = parse_tls_policy(policy); !understood) return understood.error();
  auto& reply = replies_[domain.text()];
  reply.clear();
  append_netstring(reply, std::string(kFound) + policy);
  return true;
}

std::map<std::string, std::string> Overrides::policies() const {
  std::map<std::string, std::string> policies;
  for (const auto& [domain, reply] : replies_) {
    auto payload = read_netstring(reply, reply.size()).payload;
    payload.remove_prefix(payload.starts_with(kFound) ? kFound.size() : payload.size());
    policies.emplace(domain, payload);
  }
  return policies;
}

}  // namespace tlspolicyd::postfix
