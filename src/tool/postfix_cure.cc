#include "tool/postfix_cure.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace tlspolicyd::tool {

std::string cure_of(const std::string& problem, const PostfixCommands& commands,
                    const std::string& queue_directory) {
  struct Cure {
    std::string_view name;
    std::string mend;
  };
  const Cure cures[] = {
      {"smtp_tls_per_site",
       "move its entries to a table of their own, before the daemon in smtp_tls_policy_maps"},
      {"No CA certificates",
       "apt-get install --reinstall ca-certificates && update-ca-certificates"},
      {"smtp_host_lookup", commands.set("smtp_host_lookup", "dns")},
      {"ignore_mx_lookup_error", commands.set("ignore_mx_lookup_error", "no")},
      {"smtp_dns_resolver_options", commands.remove("smtp_dns_resolver_options")},
      {"smtp_dns_support_level", commands.set("smtp_dns_support_level", "dnssec")},
      {"disable_dns_lookups", commands.set("disable_dns_lookups", "no")},
  };
  const auto cure = std::find_if(std::begin(cures), std::end(cures), [&](const auto& candidate) {
    return problem.starts_with(candidate.name);
  });
  return cure != std::end(cures)
             ? cure->mend
             : fmt::format(
                   "in the configuration listen: [{{path: {}/tlspolicyd/socketmap, group: "
                   "postfix}}], or inet:127.0.0.1:8461",
                   queue_directory);
}

}  // namespace tlspolicyd::tool
