#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "net/dns_resolver.h"
#include "net/https_client.h"
#include "net/listen_address.h"
#include "postfix/delegation.h"
#include "postfix/map_table.h"
#include "postfix/overrides.h"
#include "service/dane.h"
#include "service/fetch_slots.h"
#include "store/redis_server.h"
#include "sts/upkeep.h"

namespace tlspolicyd::config {

/// What the operator decides, with the defaults of a program that has no configuration file.
/// The names are those of tlspolicyd.yaml(5).
struct Config {
  std::vector<net::ListenAddress> listen;
  std::vector<net::ListenAddress> policy_service;
  postfix::DelegationRules unsatisfiable;
  /// The operator has not said where to listen: sockets that were inherited take its place.
  bool listen_by_default = true;
  std::vector<net::ListenAddress> admin;    ///< at most one
  bool admin_by_default = true;             ///< the same for admin
  std::vector<net::ListenAddress> metrics;  ///< at most one
  std::vector<postfix::MapTable::Map> maps;
  postfix::Overrides overrides;                 ///< domains: off, policy
  std::set<std::string, std::less<>> pinned{};  ///< domains: pinned
  bool observe = false;
  /// No servers: those of /etc/resolv.conf.
  net::DnsResolver::Options resolver;
  net::SecureHttpsClient::Options https;

  struct Discovery {
    base::milliseconds answer_deadline{10'000};
    base::milliseconds fetch_deadline{30'000};
    bool defer_on_dns_error = false;
  } discovery;

  service::DaneRules dane;

  struct Cache {
    std::string path;  ///< "": see default_cache_path()
    bool require = false;
    std::size_t policies = 100'000;
    std::size_t negatives = 50'000;
    std::size_t memory = std::size_t{256} << 20;  ///< bytes
    std::optional<store::RedisServer> shared{};   ///< of the fleet, if there is one
  } cache;

  sts::RefreshRules refresh;

  struct Limits {
    std::size_t clients = 4096;
    std::size_t fetches = 64;
    std::size_t fetches_per_registered_domain = 4;
  } limits;

  struct Logging {
    base::Severity level = base::Severity::info;
    base::Log::Format format = base::Log::Format::text;
  } log;

  Config();
};

/// Where the policies are kept if the configuration does not say: cache.db below $STATE_DIRECTORY
/// (systemd.exec(5)), else in tlspolicyd below $XDG_STATE_HOME or ~/.local/state for a user's own
/// daemon, else in /var/lib/tlspolicyd.
std::string default_cache_path();

/// Where the operator's socket is if the configuration does not say.
inline constexpr const char* kDefaultAdmin = "unix:/run/tlspolicyd/admin";

/// Where the configuration is looked for if none is named.
inline constexpr const char* kDefaultPath = "/etc/tlspolicyd/tlspolicyd.yaml";

}  // namespace tlspolicyd::config
