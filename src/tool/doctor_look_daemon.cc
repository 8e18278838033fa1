#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "tool/admin_endpoint.h"
#include "tool/doctor_look.h"
#include "tool/findings.h"
#include "tool/socketmap_client.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

namespace fs = std::filesystem;

constexpr base::seconds kPatience{5};
constexpr const char* kService = "tlspolicyd.service";
constexpr const char* kUnitDirectories[] = {"/etc/systemd/system", "/run/systemd/system",
                                            "/usr/local/lib/systemd/system",
                                            "/usr/lib/systemd/system", "/lib/systemd/system"};

bool is_forbidden(const net::ListenAddress& listen) {
  const auto* socket = std::get_if<net::UnixAddress>(&listen);
  return socket != nullptr && ::access(socket->path.c_str(), W_OK) != 0 && errno == EACCES;
}

/// systemd runs, and knows the daemon.
bool has_unit() {
  std::error_code ignored;
  if (!fs::is_directory("/run/systemd/system", ignored)) return false;
  for (const auto* directory : kUnitDirectories)
    if (fs::exists(fs::path(directory) / kService, ignored)) return true;
  return false;
}

config::ReadConfig read_file(ConfigurationFacts& facts, bool named) {
  std::error_code ignored;
  facts.exists = fs::exists(facts.path, ignored);
  if (!facts.exists && !named) return {};
  return config::read_config_file(facts.path);
}

void ask(ConfigurationFacts& facts, const std::optional<net::ListenAddress>& admin) {
  if (!admin) return;
  facts.admin = net::text_of(*admin);
  facts.forbidden = is_forbidden(*admin);
  auto told = ask_running_daemon(*admin);
  facts.trouble = told ? "" : told.error().text;
  if (!told) return;
  facts.daemon = std::move(*told);
  facts.process = daemon_process(facts.daemon->pid);
  facts.config = facts.daemon->as_it_is();
}

/// A configuration as a daemon tells it, where nothing is left to the defaults.
config::Config as_told(const config::Config& config) {
  return config::read_config(config::text_of(config::settings_of(config))).config;
}

/// How people would start this daemon, and have it read its file.
void find_commands(ConfigurationFacts& facts, bool named) {
  const auto file = facts.daemon ? facts.daemon->file : named ? facts.path : "";
  if (has_unit() && (file.empty() || file == config::kDefaultPath)) {
    facts.restart = "systemctl restart tlspolicyd";
    facts.reload = "systemctl reload tlspolicyd";
    return;
  }
  facts.restart = file.empty() ? "tlspolicyd" : "tlspolicyd -c " + shell_word(file);
  if (facts.daemon) facts.reload = fmt::format("kill -HUP {}", facts.daemon->pid);
}

}  // namespace

ConfigurationFacts look_at_configuration(const std::string& config_path,
                                         const std::optional<net::ListenAddress>& admin) {
  std::error_code ignored;
  const bool named = !config_path.empty();
  ConfigurationFacts facts;
  facts.path = named ? fs::absolute(config_path, ignored).string() : config::kDefaultPath;
  facts.process = find_daemon_process();
  auto read = read_file(facts, named);
  ask(facts, admin ? admin : admin_endpoint(read));
  // One that was started with a file of its own is found by what that says.
  const auto& its_file = facts.process ? facts.process->config_path : "";
  if (!facts.daemon && !admin && !named && !its_file.empty()) {
    facts.path = its_file;
    read = read_file(facts, true);
    ask(facts, admin_endpoint(read));
  }
  if (facts.daemon && !named && !facts.daemon->file.empty() && facts.path != facts.daemon->file) {
    facts.path = facts.daemon->file;
    read = read_file(facts, true);
  }
  facts.mistakes = std::move(read.mistakes);
  // With mistakes in it the daemon would not start; the rest is looked at with the defaults.
  if (!facts.daemon && facts.mistakes.empty()) facts.config = read.config;
  if (facts.daemon && facts.mistakes.empty())
    facts.changed = config::changes(facts.daemon->config, as_told(read.config));
  find_commands(facts, named || !its_file.empty());
  return facts;
}

DaemonFacts look_at_daemon(const ConfigurationFacts& configuration) {
  DaemonFacts facts;
  facts.start = configuration.restart;
  for (const auto& listen : configuration.config.listen) {
    DaemonFacts::Endpoint endpoint{reachable(listen), is_forbidden(listen), {}, {}};
    if (!endpoint.forbidden) {
      auto client = SocketmapClient::connect(endpoint.listen, kPatience);
      const auto reply = client ? client->ask("postfix", "doctor.invalid") : client.error();
      if (reply) endpoint.reply = *reply;
      if (!reply) endpoint.trouble = reply.error().text;
    }
    facts.endpoints.push_back(std::move(endpoint));
  }
  return facts;
}

}  // namespace tlspolicyd::tool
