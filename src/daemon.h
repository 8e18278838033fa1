#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_server.h"
#include "base/log.h"
#include "config/config.h"
#include "config/effective.h"
#include "config/endpoints.h"
#include "config/source.h"
#include "net/counted_https.h"
#include "net/counted_resolver.h"
#include "net/dns_resolver.h"
#include "net/https_client.h"
#include "net/inherited_sockets.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/resolv_conf.h"
#include "net/service_manager.h"
#include "net/trust_store_watch.h"
#include "postfix/responder.h"
#include "postfix/server.h"
#include "service/dane.h"
#include "service/fetch_slots.h"
#include "service/fleet.h"
#include "service/keeper.h"
#include "service/policy_service.h"
#include "service/refresher.h"
#include "store/redis_cache.h"
#include "store/sqlite_store.h"

namespace tlspolicyd {

/// The map of the program: everything there is, in the order in which it depends on each other, and
/// is therefore destroyed in reverse.
///
/// SIGHUP has `source` read again; what it says is told to the parts, of which none is replaced, so
/// that no question is lost. SIGTERM and SIGINT end it.
class Daemon {
 public:
  /// `config` is what `source` said. Throws std::runtime_error if it cannot be served.
  Daemon(config::Config config, config::Source source, std::vector<net::InheritedSocket> inherited);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Serves until SIGTERM or SIGINT, then answers what was asked before.
  void run();

 private:
  void raise_file_limit();
  void load_policies();
  void look_at_state_directory(const std::string& directory);
  void join_fleet();
  void on_servers(std::vector<base::Endpoint> servers);
  /// Unless the configuration names servers of its own.
  void on_resolv_conf_problem(const net::ResolvConf::Problem& problem);
  /// Logs which name servers of the configuration cannot be used as the machine is now.
  void check_servers();
  std::string status() const;
  std::string configuration_file() const;

  // SIGHUP.
  void reload();
  void take_up(config::Config next);
  void tell_parts();
  void forget_what_depends_on(const std::vector<config::Setting>& changes);

  // Where it is asked.
  void listen(std::vector<net::InheritedSocket> inherited);
  void serve_operators(config::Endpoints endpoints);
  template <class Server>
  void serve(std::string_view service, Server& server, config::Endpoints endpoints,
             std::string_view origin);
  void note_endpoint(std::string_view service, const net::ListenAddress& address,
                     std::string_view origin);

  // What operators see and do.
  admin::Sources sources();
  admin::Controls controls();

  // The end.
  void say_farewell();
  bool stop_serving();
  void wait_for_last(base::SteadyTime ends);

  config::Config config_;  ///< in force
  config::Source source_;
  base::LineWriter log_writer_;
  base::Log log_;
  net::Loop loop_;
  net::ServiceManager service_manager_;
  net::ResolvConfWatch resolv_conf_;
  net::DnsResolver resolver_;
  net::CountedResolver counted_resolver_;
  net::SecureHttpsClient https_;
  net::CountedHttps counted_https_;
  service::FetchSlots slots_;
  net::Mailbox mailbox_;
  store::SqliteStore store_;
  service::Book book_;
  service::Keeper keeper_;
  store::RedisCache shared_cache_;
  service::Fleet fleet_;
  service::Dane dane_;
  service::Outside outside_;
  service::PolicyService service_;
  service::Refresher refresher_;
  net::TrustStoreWatch trust_store_watch_;
  postfix::Responder responder_;
  postfix::Server server_;
  postfix::DelegationTally delegation_tally_;
  postfix::Server policy_server_;
  admin::Facts facts_;
  admin::ReloadTally reloads_;
  admin::LoopLag loop_lag_;
  admin::AdminServer admin_;
  base::OperationPtr farewell_;
  base::OperationPtr terminate_, interrupt_, hang_up_;
};

}  // namespace tlspolicyd
