#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "config/derived.h"
#include "config/effective.h"
#include "daemon.h"

namespace tlspolicyd {
namespace {

using Changes = std::vector<config::Setting>;

bool has_section(const Changes& changes, std::string_view section) {
  return std::any_of(changes.begin(), changes.end(), [&](const config::Setting& setting) {
    return setting.section == section || setting.name() == section;
  });
}

/// What only a start can change stays as it is.
void keep_what_needs_a_start(const config::Config& present, config::Config& next) {
  next.listen = present.listen;
  next.listen_by_default = present.listen_by_default;
  next.policy_service = present.policy_service;
  next.admin = present.admin;
  next.admin_by_default = present.admin_by_default;
  next.metrics = present.metrics;
  next.cache.path = present.cache.path;
  next.cache.require = present.cache.require;
}

}  // namespace

void Daemon::reload() {
  if (farewell_) return;
  service_manager_.reloading();
  auto read = source_.read();
  for (const auto& mistake : read.mistakes)
    log_.error("mistake in the configuration",
               {{"where", config::text_of(mistake, source_.path())}});
  facts_.mistake =
      read.mistakes.empty() ? "" : config::text_of(read.mistakes.front(), source_.path());
  std::string trouble = read.mistakes.empty() ? "" : "the file is wrong";
  try {
    if (trouble.empty()) take_up(std::move(read.config));
  } catch (const std::runtime_error& error) {
    trouble = facts_.mistake = error.what();
  }
  if (trouble.empty()) {
    ++reloads_.succeeded;
    facts_.configured_at = loop_.wall();
  } else {
    ++reloads_.failed;
    log_.error("configuration not reloaded, the one before stays in force", {{"why", trouble}});
  }
  reloads_.last_ok = trouble.empty();
  facts_.configuration = configuration_file();
  facts_.observe = config_.observe;
  facts_.settings = config::text_of(config::settings_of(config_));
  service_manager_.ready(trouble.empty() ? status()
                                         : status() + "; the configuration was not reloaded");
}

/// Puts another configuration in force. Throws std::runtime_error if that is impossible, and then
/// has changed nothing.
void Daemon::take_up(config::Config next) {
  auto changes = config::changes(config_, next);
  std::vector<std::string> awaits_start;
  for (const auto& setting : changes) {
    if (!setting.at_start) continue;
    awaits_start.push_back(setting.name());
    log_.warning("a restart is needed to change this",
                 {{"key", setting.name()}, {"wanted", setting.value}});
  }
  std::erase_if(changes, [](const config::Setting& setting) { return setting.at_start; });
  keep_what_needs_a_start(config_, next);
  https_.set_options(next.https);  // the only part that can refuse
  facts_.awaits_start = std::move(awaits_start);

  const bool began_to_observe = next.observe && !config_.observe;
  config_ = std::move(next);
  log_.set(config_.log.level, config_.log.format);
  tell_parts();
  forget_what_depends_on(changes);
  std::vector<std::string> names;
  for (const auto& setting : changes) names.push_back(setting.name());
  log_.info("configuration reloaded",
            {{"file", source_.file()},
             {"changed", names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ","))}});
  if (began_to_observe)
    log_.warning("observe: true: every question is answered \"no policy\"; nothing is protected");
}

void Daemon::tell_parts() {
  resolver_.set_options(config::resolver_options(config_, resolv_conf_.servers()));
  slots_.set_limits(config::fetch_limits(config_));
  book_.set_limits(config::book_limits(config_));
  service_.set_settings(config::inquiry_settings(config_));
  responder_.set_rules(config::answer_rules(config_));
  server_.set_max_clients(config_.limits.clients);
  policy_server_.set_max_clients(config_.limits.clients);
  raise_file_limit();
  check_servers();
  join_fleet();
}

/// No answer may outlive the settings that it was made by, and no failure its cause: the trust
/// store, too, has been read again. Nor what is held of MX hosts and their TLSA records: an
/// administrator who reloads wants a fresh look (decisions.md 27).
void Daemon::forget_what_depends_on(const std::vector<config::Setting>& changes) {
  book_.forget_failures();
  dane_.forget_findings();
  if (has_section(changes, "refresh")) refresher_.set_rules(config_.refresh);
  if (has_section(changes, "resolver")) dane_.resolver_changed();
  if (has_section(changes, "dane") || has_section(changes, "domains"))
    dane_.set_rules(config_.dane);
  book_.forget_answers();
}

}  // namespace tlspolicyd
