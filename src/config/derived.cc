#include "config/derived.h"

#include <algorithm>

#include "net/http_server.h"
#include "net/resolv_conf.h"
#include "postfix/server.h"

namespace tlspolicyd::config {

net::DnsResolver::Options resolver_options(const Config& config,
                                           const std::vector<base::Endpoint>& usual) {
  auto options = config.resolver;
  if (options.servers.empty()) options.servers = usual;
  // A question that finds no place in our own resolver must hear so before its time is over:
  // that is our trouble and no silent DNS.
  options.line_limit = std::min(options.line_limit, config.discovery.answer_deadline / 2);
  return options;
}

service::Book::Limits book_limits(const Config& config) {
  return {
      .policies = config.cache.policies,
      .negatives = config.cache.negatives,
      .unplaced = std::max<std::size_t>(config.cache.policies / 10, 100),
      .negatives_per_registered_domain = std::max<std::size_t>(config.cache.negatives / 100, 100),
      .memory = config.cache.memory};
}

service::FetchSlots::Limits fetch_limits(const Config& config) {
  return {.total = config.limits.fetches,
          .per_registered_domain = config.limits.fetches_per_registered_domain};
}

service::Inquiry::Settings inquiry_settings(const Config& config) {
  return {.patience = {config.discovery.answer_deadline, config.discovery.fetch_deadline},
          .defer_on_dns_error = config.discovery.defer_on_dns_error,
          .pinned = config.pinned,
          .observe = config.observe};
}

postfix::Responder::Rules answer_rules(const Config& config) {
  return {postfix::MapTable(config.maps), config.overrides, config.observe};
}

explain::Explainer::Settings explain_settings(const Config& config) {
  return {.dane = config.dane,
          .inquiry = inquiry_settings(config),
          .overrides = config.overrides,
          .observe = config.observe,
          .allow_addresses = config.https.allow_addresses,
          .ca_file = config.https.ca_file,
          .name_servers = config.resolver.servers};
}

std::string cache_path(const Config& config) {
  return config.cache.path.empty() ? default_cache_path() : config.cache.path;
}

std::size_t open_files(const Config& config) {
  // A client has one descriptor; a fetch has at most eight while it connects. A question to the DNS
  // has at most one per attempt, since a server that fails closes its own, and as many of them may
  // listen as ask; one per server is for the pulse. The rest is for the process itself.
  const auto clients = config.limits.clients + postfix::Server::reserve_for(config.limits.clients);
  const auto& resolver = config.resolver;
  const auto servers =
      resolver.servers.empty() ? net::ResolvConf::kMaxServers : resolver.servers.size();
  return (config.policy_service.empty() ? 1 : 2) * clients + 8 * 5 * config.limits.fetches +
         (2 * resolver.attempts + servers) * resolver.in_flight +
         2 * net::HttpServer::kMaxConnections + 64;
}

}  // namespace tlspolicyd::config
