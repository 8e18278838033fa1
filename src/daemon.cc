#include "daemon.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <utility>

#include "base/quiet_thread.h"
#include "config/derived.h"
#include "config/effective.h"
#include "postfix/delegation_session.h"
#include "postfix/socketmap_session.h"

namespace tlspolicyd {
namespace {

constexpr base::seconds kFarewell{5};

}  // namespace

Daemon::Daemon(config::Config config, config::Source source,
               std::vector<net::InheritedSocket> inherited)
    : config_(std::move(config)),
      source_(std::move(source)),
      log_writer_(STDERR_FILENO),
      log_(config_.log.level, config_.log.format,
           base::line_sink(log_writer_,
                           base::is_journal_stream(std::getenv("JOURNAL_STREAM"), STDERR_FILENO)),
           [this] { return log_writer_.take_dropped(); }),
      service_manager_(loop_, log_, net::take_notify_variables()),
      resolv_conf_(
          loop_, net::kResolvConf, [this](auto servers) { on_servers(std::move(servers)); },
          [this](const auto& problem) { on_resolv_conf_problem(problem); }),
      resolver_(loop_, config::resolver_options(config_, resolv_conf_.servers())),
      counted_resolver_(resolver_, loop_),
      https_(loop_, counted_resolver_, config_.https),
      counted_https_(https_, loop_),
      slots_(loop_, config::fetch_limits(config_)),
      mailbox_(loop_),
      store_(config::cache_path(config_), mailbox_),
      book_(config::book_limits(config_), base::KeyedHash::random_key()),
      keeper_(store_, book_, loop_, loop_, log_),
      shared_cache_(mailbox_),
      fleet_(shared_cache_, book_, keeper_, loop_, loop_, log_),
      dane_(counted_resolver_, loop_, loop_, log_, config_.dane,
            [this] { book_.forget_answers(); }),
      outside_{counted_resolver_, counted_https_, slots_, keeper_, dane_, loop_, loop_, log_},
      service_(outside_, book_, config::inquiry_settings(config_)),
      refresher_(outside_, book_, service_, config_.refresh, std::random_device()()),
      trust_store_watch_(loop_, mailbox_, https_, log_, base::start_without_signals,
                         [this] { book_.forget_failures(); }),
      responder_(service_, config::answer_rules(config_), loop_, log_),
      server_(
          loop_, [this] { return std::make_unique<postfix::SocketmapSession>(responder_); }, log_,
          config_.limits.clients),
      policy_server_(
          loop_,
          [this] {
            return std::make_unique<postfix::DelegationSession>(
                service_, loop_, config_.unsatisfiable,
                [this](std::string_view domain) {
                  return config_.observe || !config_.overrides.find(domain).empty();
                },
                delegation_tally_);
          },
          log_, config_.limits.clients),
      facts_{.started_at = loop_.wall(),
             .started = loop_.steady(),
             .configuration = configuration_file(),
             .configured_at = loop_.wall(),
             .cache_file = config::cache_path(config_),
             .mistake = {},
             .awaits_start = {},
             .endpoints = {},
             .settings = config::text_of(config::settings_of(config_)),
             .observe = config_.observe},
      loop_lag_(loop_, loop_),
      admin_(loop_, sources(), controls(), log_) {
  raise_file_limit();
  check_servers();
  resolver_.set_on_trusted_unreachable([this] { dane_.trusted_unreachable(); });
  // Before anybody can see that the daemon is there, and lets it know something.
  terminate_ = loop_.on_signal(SIGTERM, [this] { say_farewell(); });
  interrupt_ = loop_.on_signal(SIGINT, [this] { say_farewell(); });
  hang_up_ = loop_.on_signal(SIGHUP, [this] { reload(); });
  // Before the first answer (decisions.md 18).
  load_policies();
  join_fleet();
  if (config_.observe)
    log_.warning("observe: true: every question is answered \"no policy\"; nothing is protected");
  listen(std::move(inherited));
}

void Daemon::run() {
  service_manager_.ready(status());
  loop_.run();
  const auto& tally = responder_.tally();
  log_.info("stopped", {{"settled", tally.settled},
                        {"live", tally.live},
                        {"secure", tally.all(postfix::Told::secure)},
                        {"dane_only", tally.all(postfix::Told::dane_only)},
                        {"temporary", tally.all(postfix::Told::temporary)}});
}

/// The file that the configuration is from, "" where there is none. Whoever is told its name may be
/// in another directory.
std::string Daemon::configuration_file() const {
  const auto file = source_.file();
  std::error_code ignored;
  return file.empty() ? file : std::filesystem::absolute(file, ignored).string();
}

std::string Daemon::status() const {
  std::vector<std::string> endpoints;
  for (const auto& served : facts_.endpoints) endpoints.push_back(served.endpoint);
  return fmt::format("answering on {}", fmt::join(endpoints, ", "));
}

void Daemon::on_servers(std::vector<base::Endpoint> servers) {
  if (!config_.resolver.servers.empty()) return;
  log_.info("name servers changed", {{"servers", servers.size()}});
  resolver_.set_servers(std::move(servers));
  dane_.resolver_changed();
}

void Daemon::on_resolv_conf_problem(const net::ResolvConf::Problem& problem) {
  if (!config_.resolver.servers.empty()) return;
  log_.warning("name server unusable", {{"file", net::kResolvConf},
                                        {"line", problem.line},
                                        {"server", problem.server},
                                        {"reason", problem.reason}});
}

void Daemon::check_servers() {
  for (const auto& server : config_.resolver.servers)
    if (const auto problem = net::problem_of_server(server); !problem.empty())
      log_.warning("name server unusable", {{"server", server.text()}, {"reason", problem}});
}

void Daemon::raise_file_limit() {
  const rlim_t wanted = config::open_files(config_);
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

admin::Sources Daemon::sources() {
  return {responder_,
          book_,
          keeper_,
          fleet_,
          dane_,
          service_,
          refresher_,
          slots_,
          server_,
          policy_server_,
          loop_,
          loop_,
          facts_,
          reloads_,
          loop_lag_,
          counted_resolver_.tally(),
          counted_https_.tally(),
          delegation_tally_,
          &log_writer_};
}

admin::Controls Daemon::controls() {
  return {.service = service_,
          .keeper = keeper_,
          .explain = {resolver_,
                      [this](net::Resolver& traced) {
                        return std::make_unique<net::SecureHttpsClient>(https_, traced);
                      },
                      loop_, loop_},
          .explain_settings = [this] { return config::explain_settings(config_); },
          .log = log_};
}

void Daemon::say_farewell() {
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
bool Daemon::stop_serving() {
  server_.stop_accepting();
  policy_server_.stop_accepting();
  admin_.stop_accepting();
  return !server_.is_busy() && !policy_server_.is_busy();
}

void Daemon::wait_for_last(base::SteadyTime ends) {
  farewell_ = loop_.after(base::milliseconds{20}, [this, ends] {
    if (stop_serving() || loop_.steady() >= ends) {
      loop_.stop();
    } else {
      wait_for_last(ends);
    }
  });
}

}  // namespace tlspolicyd
