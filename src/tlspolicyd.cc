#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "admin/admin_server.h"
#include "config/endpoints.h"
#include "config/read_config.h"
#include "net/dns_resolver.h"
#include "net/https_client.h"
#include "net/inherited_sockets.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/resolv_conf.h"
#include "net/service_manager.h"
#include "postfix/delegation_session.h"
#include "postfix/responder.h"
#include "postfix/server.h"
#include "postfix/socketmap_session.h"
#include "service/keeper.h"
#include "service/policy_service.h"
#include "service/refresher.h"
#include "store/set_aside.h"
#include "store/sqlite_store.h"

namespace {

using namespace tlspolicyd;

constexpr int kConfigError = 2;
constexpr base::seconds kFarewell{5};

/// The map of the program: everything there is, in the order in which it depends on each other, and
/// is therefore destroyed in reverse.
class Daemon {
 public:
  /// `config_file`: where the configuration is from, "" if it is the built-in one.
  Daemon(config::Config config, const std::string& config_file,
         std::vector<net::InheritedSocket> inherited)
      : config_(std::move(config)),
        log_(config_.log.level, config_.log.format,
             base::standard_error_sink(std::getenv("JOURNAL_STREAM") != nullptr)),
        service_manager_(loop_, log_, net::take_notify_variables()),
        resolv_conf_(loop_, net::kResolvConf,
                     [this](auto servers) { on_servers(std::move(servers)); }),
        resolver_(loop_, resolver_options()),
        https_(loop_, resolver_, config_.https),
        slots_(loop_, {.total = config_.limits.fetches,
                       .per_registered_domain = config_.limits.fetches_per_registered_domain}),
        mailbox_(loop_),
        store_(cache_path(), mailbox_),
        book_(book_limits()),
        keeper_(store_, book_, loop_, loop_, log_),
        dane_(resolver_, loop_, loop_, log_, config_.dane, [this] { book_.forget_answers(); }),
        outside_{resolver_, https_, slots_, keeper_, dane_, loop_, loop_, log_},
        service_(outside_, book_, settings()),
        refresher_(outside_, book_, service_, config_.refresh, std::random_device()()),
        responder_(service_, answer_rules(), loop_, log_),
        server_(
            loop_, [this] { return std::make_unique<postfix::SocketmapSession>(responder_); }, log_,
            config_.limits.clients),
        policy_server_(
            loop_,
            [this] {
              return std::make_unique<postfix::DelegationSession>(service_, loop_,
                                                                  config_.unsatisfiable);
            },
            log_, config_.limits.clients),
        facts_{.started_at = loop_.wall(),
               .started = loop_.steady(),
               .configuration = config_file,
               .configured_at = loop_.wall(),
               .cache_file = cache_path(),
               .endpoints = {},
               .observe = config_.observe},
        admin_(loop_, sources(), controls(), log_) {
    raise_file_limit();
    // Before anybody can see that the daemon is there, and lets it know something.
    terminate_ = loop_.on_signal(SIGTERM, [this] { say_farewell(); });
    interrupt_ = loop_.on_signal(SIGINT, [this] { say_farewell(); });
    hang_up_ = loop_.on_signal(SIGHUP, [this] {
      log_.warning("SIGHUP: the configuration is not reread; restart to change it");
    });
    // Before the first answer (decisions.md 18).
    load_policies();
    if (config_.observe)
      log_.warning("observe: true: every question is answered \"no policy\"; nothing is protected");
    listen(std::move(inherited));
  }

  /// Serves until SIGTERM or SIGINT, then answers what was asked before.
  void run() {
    service_manager_.ready(fmt::format("answering on {}", fmt::join(facts_.endpoints, ", ")));
    loop_.run();
    const auto& tally = responder_.tally();
    log_.info("stopped", {{"settled", tally.settled},
                          {"live", tally.live},
                          {"secure", tally.all(postfix::Told::secure)},
                          {"dane_only", tally.all(postfix::Told::dane_only)},
                          {"temporary", tally.all(postfix::Told::temporary)}});
  }

 private:
  net::DnsResolver::Options resolver_options() const {
    auto options = config_.resolver;
    if (options.servers.empty()) options.servers = resolv_conf_.servers();
    // A question that finds no place in our own resolver must hear so before its time is over:
    // that is our trouble and no silent DNS.
    options.line_limit = std::min(options.line_limit, config_.discovery.answer_deadline / 2);
    return options;
  }

  void on_servers(std::vector<base::Endpoint> servers) {
    if (!config_.resolver.servers.empty()) return;
    log_.info("name servers changed", {{"servers", servers.size()}});
    resolver_.set_servers(std::move(servers));
    dane_.resolver_changed();
  }

  std::string cache_path() const {
    return config_.cache.path.empty() ? config::default_cache_path() : config_.cache.path;
  }

  /// A hundredth of the places is one registered domain's share, but not too few for anybody.
  service::Book::Limits book_limits() const {
    const auto share = [](std::size_t all) { return std::max<std::size_t>(all / 100, 100); };
    return {.policies = config_.cache.policies,
            .negatives = config_.cache.negatives,
            .policies_per_registered_domain = share(config_.cache.policies),
            .negatives_per_registered_domain = share(config_.cache.negatives)};
  }

  /// Throws std::runtime_error if the daemon must not run with what is there.
  void load_policies() {
    // A loss of an earlier start counts until somebody has looked at it: a supervisor tries again.
    if (config_.cache.require) {
      const auto lost = store::set_aside_beside(cache_path());
      if (!lost.empty())
        throw std::runtime_error("cache.require: " + lost.back() +
                                 " was set aside: put a copy of it back, or remove it");
    }
    auto opened = store_.open();
    const bool in_use = opened.failure && opened.failure->kind == store::OpenFailure::Kind::in_use;
    if (in_use || (opened.failure && config_.cache.require))
      throw std::runtime_error(opened.failure->text);
    if (config_.cache.require && !opened.contents.losses.empty())
      throw std::runtime_error("cache.require: " + opened.contents.losses.front());
    log_.info("policies loaded",
              {{"file", cache_path()}, {"policies", opened.contents.rows.size()}});
    keeper_.take_up(std::move(opened.contents));
    if (opened.failure) keeper_.begin_failing(opened.failure->text);
  }

  /// Throws std::runtime_error if it cannot be served as the operator wants it.
  void listen(std::vector<net::InheritedSocket> inherited) {
    const bool by_default = config_.listen_by_default;
    auto socketmap = config::take_endpoints("socketmap", config_.listen, by_default, inherited);
    auto policy = config::take_endpoints("policy", config_.policy_service, false, inherited);
    auto admin =
        config::take_endpoints("admin", config_.admin, config_.admin_by_default, inherited);
    auto metrics = config::take_endpoints("metrics", config_.metrics, false, inherited);
    for (const auto& socket : inherited) {
      // Whoever holds it goes on to let clients in, and they wait: mail that flows on another
      // endpoint is worth more than all of it being refused. But if this one seems to be the only
      // one that was wanted, nobody would be served, and it would not be seen.
      const auto service = config::service_of(socket.name);
      if (service.empty() && by_default && socketmap.inherited.empty())
        throw std::runtime_error(fmt::format(
            "inherited socket {} has the unknown name \"{}\", and none is for the socketmap: "
            "FileDescriptorName=socketmap in its unit",
            text_of(socket.address), base::printable(socket.name)));
      log_.warning("inherited socket closed: nothing here serves it",
                   {{"name", socket.name}, {"address", text_of(socket.address)}});
    }
    serve("socketmap", server_, std::move(socketmap), by_default ? "default" : "configured");
    serve("policy_service", policy_server_, std::move(policy), "configured");
    serve("metrics", admin_.metrics(), std::move(metrics), "configured");
    serve_operators(std::move(admin));
  }

  void serve_operators(config::Endpoints endpoints) {
    const auto is_open = [](const net::ListenAddress& address) {
      return std::holds_alternative<base::Endpoint>(address);
    };
    if (std::any_of(endpoints.to_bind.begin(), endpoints.to_bind.end(), is_open) ||
        std::any_of(endpoints.inherited.begin(), endpoints.inherited.end(),
                    [&](const auto& socket) { return is_open(socket.address); }))
      log_.warning("admin: everybody who can connect may let policies be forgotten",
                   {{"hint", "a unix socket has a mode and a group"}});
    try {
      serve("admin", admin_.operators(), std::move(endpoints),
            config_.admin_by_default ? "default" : "configured");
    } catch (const std::runtime_error& error) {
      // Nobody asked for it: mail does not need it.
      if (!config_.admin_by_default) throw;
      log_.warning("no admin socket: tlspolicy status, list, show, forget and refresh do not work",
                   {{"why", error.what()}, {"hint", "make its directory, or set admin: \"\""}});
    }
  }

  template <class Server>
  void serve(std::string_view service, Server& server, config::Endpoints endpoints,
             std::string_view origin) {
    for (auto& socket : endpoints.inherited) {
      server.listen(std::move(socket.descriptor));
      note_endpoint(service, socket.address, "inherited");
    }
    for (const auto& address : endpoints.to_bind) {
      server.listen(address);
      note_endpoint(service, address, origin);
    }
  }

  admin::Sources sources() {
    return {responder_, book_,   keeper_,        dane_, service_, refresher_,
            slots_,     server_, policy_server_, loop_, loop_,    facts_};
  }

  admin::Controls controls() {
    return {.service = service_,
            .keeper = keeper_,
            .explain = {resolver_,
                        [this](net::Resolver& traced) {
                          return std::make_unique<net::SecureHttpsClient>(https_, traced);
                        },
                        loop_, loop_},
            .explain_settings = [this] { return explain_settings(); },
            .log = log_};
  }

  explain::Explainer::Settings explain_settings() const {
    return {.dane = config_.dane,
            .inquiry = settings(),
            .overrides = config_.overrides,
            .observe = config_.observe,
            .allow_addresses = config_.https.allow_addresses};
  }

  void note_endpoint(std::string_view service, const net::ListenAddress& address,
                     std::string_view origin) {
    facts_.endpoints.push_back(text_of(address));
    log_.info("listening", {{service, facts_.endpoints.back()}, {"origin", origin}});
  }

  service::Inquiry::Settings settings() const {
    return {.patience = {config_.discovery.answer_deadline, config_.discovery.fetch_deadline},
            .defer_on_dns_error = config_.discovery.defer_on_dns_error,
            .pinned = config_.pinned};
  }

  postfix::Responder::Rules answer_rules() const {
    return {postfix::MapTable(config_.maps), config_.overrides, config_.observe};
  }

  void raise_file_limit() {
    // A client has one descriptor; a fetch has at most eight while it connects; so has a question
    // to the DNS while it tries servers. The rest is for the process itself.
    const rlim_t wanted = (config_.policy_service.empty() ? 1 : 2) * config_.limits.clients +
                          8 * 5 * config_.limits.fetches + 8 * 256 +
                          2 * net::HttpServer::kMaxConnections + 64;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted) {
      limit.rlim_cur = std::min(wanted, limit.rlim_max);
      setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted)
      log_.warning("too few file descriptors for the configured limits",
                   {{"have", limit.rlim_cur}, {"want", wanted}});
  }

  void say_farewell() {
    service_manager_.stopping("answering what was asked before");
    if (stop_serving()) {
      loop_.stop();
      return;
    }
    const auto ends = loop_.steady() + kFarewell;
    wait_for_last(ends);
  }

  /// Takes no further questions; true if none is left. A socket that was inherited stays open
  /// elsewhere: who connects now waits for the next process.
  bool stop_serving() {
    server_.stop_accepting();
    policy_server_.stop_accepting();
    admin_.stop_accepting();
    return !server_.is_busy() && !policy_server_.is_busy();
  }

  void wait_for_last(base::SteadyTime ends) {
    farewell_ = loop_.after(base::milliseconds{20}, [this, ends] {
      if (stop_serving() || loop_.steady() >= ends) {
        loop_.stop();
      } else {
        wait_for_last(ends);
      }
    });
  }

  config::Config config_;
  base::Log log_;
  net::Loop loop_;
  net::ServiceManager service_manager_;
  net::ResolvConfWatch resolv_conf_;
  net::DnsResolver resolver_;
  net::SecureHttpsClient https_;
  service::FetchSlots slots_;
  net::Mailbox mailbox_;
  store::SqliteStore store_;
  service::Book book_;
  service::Keeper keeper_;
  service::Dane dane_;
  service::Outside outside_;
  service::PolicyService service_;
  service::Refresher refresher_;
  postfix::Responder responder_;
  postfix::Server server_;
  postfix::Server policy_server_;
  admin::Facts facts_;
  admin::AdminServer admin_;
  base::OperationPtr farewell_;
  base::OperationPtr terminate_, interrupt_, hang_up_;
};

/// Prints every mistake; true if there is none.
bool report(const std::string& path, const config::Mistakes& mistakes) {
  for (const auto& mistake : mistakes) {
    if (mistake.line > 0) {
      fmt::print(stderr, "{}:{}: {}\n", path, mistake.line, mistake.text);
    } else {
      fmt::print(stderr, "{}: {}\n", path, mistake.text);
    }
  }
  return mistakes.empty();
}

int run(int argc, char** argv) {
  CLI::App app{"TLS policy server for Postfix: MTA-STS (RFC 8461). Runs in the foreground.",
               "tlspolicyd"};
  std::string path;
  bool check = false;
  app.set_version_flag("--version", "tlspolicyd " TLSPOLICYD_VERSION);
  app.add_option(
         "-c,--config", path,
         fmt::format("configuration file (default: {}, if it exists)", config::kDefaultPath))
      ->type_name("FILE");
  app.add_flag("--check-config", check,
               "report every mistake in the configuration; exit code 0 or 2");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }

  config::ReadConfig read;
  std::error_code ignored;
  const bool named = !path.empty();
  if (!named) path = config::kDefaultPath;
  const bool exists = named || std::filesystem::exists(path, ignored);
  if (exists) read = config::read_config_file(path);
  if (!report(path, read.mistakes)) return kConfigError;
  if (check) return 0;
  Daemon(std::move(read.config), exists ? path : "", net::take_inherited_sockets()).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // What the program trusts is said in its configuration, not in its environment (threat C-6).
  for (const char* name : {"OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"}) unsetenv(name);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tlspolicyd: {}\n", error.what());
    return 1;
  }
}
