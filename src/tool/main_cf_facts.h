#pragma once

#include <array>
#include <string>
#include <vector>

#include "net/listen_address.h"
#include "postfix/map_table.h"
#include "tool/postconf_output.h"
#include "tool/postfix_version.h"

/// What is looked at before Postfix is told to ask the daemon.
namespace tlspolicyd::tool {

/// The parameters that are looked at.
inline constexpr std::array kMainCfParameters = {
    "compatibility_level",       "disable_dns_lookups",
    "ignore_mx_lookup_error",    "mail_owner",
    "queue_directory",           "smtp_delivery_status_filter",
    "smtp_dns_resolver_options", "smtp_dns_support_level",
    "smtp_enforce_tls",          "smtp_host_lookup",
    "smtp_tls_CAfile",           "smtp_tls_CApath",
    "smtp_tls_enforce_peername", "smtp_tls_enforce_sts_mx_patterns",
    "smtp_tls_per_site",         "smtp_tls_policy_maps",
    "smtp_tls_security_level",   "smtp_tls_session_cache_database",
    "tls_append_default_CA",
};

/// The two sides that are to fit together.
struct MainCfFacts {
  PostfixVersion version;
  Settings written;    ///< of kMainCfParameters, those that main.cf sets, as written there
  Settings effective;  ///< all that this version knows, expanded, with defaults
  std::vector<SmtpService> smtp_services;
  std::vector<ServiceOverride> overrides;
  std::string master_cf_trouble;  ///< why nothing is known of master.cf, "" if it is

  std::vector<net::ListenAddress> listen;  ///< of the daemon's configuration; not empty
  std::vector<postfix::MapTable::Map> maps;
  bool uses_dane = true;       ///< the daemon answers `dane-only`
  std::string ca_bundle;       ///< the system's trust store, "" if none was found
  std::string daemon_trouble;  ///< why the daemon does not answer now, "" if it does
};

/// The services of smtp(8) that run chrooted to the queue directory.
std::vector<std::string> chrooted_services(const MainCfFacts& facts);

}  // namespace tlspolicyd::tool
