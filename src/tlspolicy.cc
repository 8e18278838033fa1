#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <vector>

#include "config/read_config.h"
#include "tool/admin_endpoint.h"
#include "tool/book.h"
#include "tool/configure_postfix.h"
#include "tool/doctor.h"
#include "tool/exit_code.h"
#include "tool/explain_command.h"
#include "tool/query.h"

namespace {

using namespace tlspolicyd;

/// The configuration that the daemon would use; exits with the mistakes if it would not start.
config::Config load_config(const std::string& named) {
  const auto path = named.empty() ? std::string(config::kDefaultPath) : named;
  std::error_code ignored;
  if (named.empty() && !std::filesystem::exists(path, ignored)) return {};
  auto read = config::read_config_file(path);
  for (const auto& mistake : read.mistakes)
    fmt::print(stderr, "{}\n", config::text_of(mistake, path));
  if (!read.mistakes.empty()) std::exit(tool::kMisfit);
  return std::move(read.config);
}

int refuse(const std::string& why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  return tool::kUsage;
}

/// The admin socket to ask: the one named, that of $TLSPOLICY_ADMIN, that of the configuration.
/// Exits if there is none.
net::ListenAddress admin_socket(std::string named, const config::Config& config) {
  if (const char* wanted = std::getenv("TLSPOLICY_ADMIN"); named.empty() && wanted != nullptr)
    named = wanted;
  if (named.empty()) {
    if (!config.admin.empty()) return config.admin.front();
    fmt::print(stderr,
               "tlspolicy: the daemon has no admin socket: admin: \"\" in its configuration\n");
    std::exit(tool::kUnavailable);
  }
  const auto address = net::parse_listen_address(named);
  if (address) return *address;
  fmt::print(stderr, "tlspolicy: admin socket {}: {}\n", named, address.error().text);
  std::exit(tool::kUsage);
}

/// A command about the running daemon's book.
struct BookCommand {
  CLI::App* app;
  int (*run)(const tool::BookOptions& options);
};

void add_admin(CLI::App& command, std::string& admin) {
  command
      .add_option("-a,--admin", admin,
                  "the daemon's admin socket (default: $TLSPOLICY_ADMIN, else the "
                  "configuration's)")
      ->type_name("ENDPOINT");
}

std::vector<BookCommand> add_book_commands(CLI::App& app, tool::BookOptions& book,
                                           std::string& admin) {
  const auto add = [&](const char* name, const char* does, auto* command) {
    auto* app_command = app.add_subcommand(name, does);
    app_command->add_flag("--json", book.json, "print JSON");
    add_admin(*app_command, admin);
    return BookCommand{app_command, command};
  };
  const auto add_for_domain = [&](const char* name, const char* does, auto* command) {
    const auto added = add(name, does, command);
    added.app->add_option("domain", book.domain, "policy domain")->required();
    return added;
  };
  std::vector<BookCommand> commands{
      add("status", "Show how the running daemon does.\nExit code: 0, 69 no daemon.",
          tool::show_status),
      add("list", "List the policies that the running daemon knows.\nExit code: 0, 69 no daemon.",
          tool::list_policies),
      add_for_domain("show",
                     "Show all that the running daemon remembers of a domain.\n"
                     "Exit code: 0 known, 1 not known, 69 no daemon.",
                     tool::show_domain),
      add_for_domain("forget",
                     "Let the running daemon forget a domain, in memory and on disk.\n"
                     "Exit code: 0 forgotten, 1 not known, 69 no daemon, 75 not on disk, or busy.",
                     tool::forget_domain),
      add_for_domain("refresh",
                     "Let the running daemon fetch the policy of a domain now.\n"
                     "Exit code: 0 fetched, 1 it has none, 69 no daemon, 75 failed, or too soon.",
                     tool::refresh_domain)};
  auto* list = app.get_subcommand("list");
  list->add_option("--mode", book.mode, "only those of this mode")
      ->check(CLI::IsMember({"enforce", "testing", "none"}));
  list->add_option("--limit", book.limit, "the first so many, by name");
  return commands;
}

int run(int argc, char** argv) {
  CLI::App app{"Asks and explains the TLS policies that tlspolicyd gives to Postfix.", "tlspolicy"};
  app.set_version_flag("--version", "tlspolicy " TLSPOLICYD_VERSION);
  app.require_subcommand(1);
  std::string config_path;
  app.add_option("-c,--config", config_path, "configuration file of the daemon")->type_name("FILE");

  std::string map = "postfix";
  std::vector<std::string> keys;
  std::string server;
  auto* query_command =
      app.add_subcommand("query",
                         "Ask the running daemon, as Postfix does.\n"
                         "Exit code: 0 found, 1 NOTFOUND, 75 TEMP, 69 no server.");
  query_command->add_option("-m,--map", map, "map name")->capture_default_str();
  query_command
      ->add_option("-s,--server", server,
                   "the daemon's endpoint: inet:HOST:PORT or unix:/PATH (default: the first "
                   "of the configuration)")
      ->type_name("ENDPOINT");
  query_command->add_option("key", keys, "next-hop: example.org, [relay.example]:587, ...")
      ->required();

  std::string admin;

  std::string domain;
  bool json = false;
  bool standalone = false;
  auto* explain_command = app.add_subcommand(
      "explain",
      "Show every step of the decision for a domain: through the daemon if it runs, else over "
      "this host's own network.\n"
      "Exit code: 0 protected, 1 unprotected, 2 would be deferred, 75 could not tell.");
  explain_command->add_flag("--json", json, "print JSON");
  explain_command->add_flag("--standalone", standalone, "do not ask the daemon");
  bool connect = false;
  explain_command->add_flag("--connect", connect,
                            "also connect to the MX hosts, from here, and say which would be "
                            "accepted");
  add_admin(*explain_command, admin);
  explain_command->add_option("domain", domain, "next-hop, as for query")->required();

  tool::BookOptions book;
  const auto book_commands = add_book_commands(app, book, admin);

  tool::ConfigurePostfixOptions main_cf;
  auto* main_cf_command = app.add_subcommand(
      "main-cf",
      "Print the lines of main.cf that let the installed Postfix ask the daemon.\n"
      "Exit code: 0 done, 69 no Postfix, or it refuses, 78 this Postfix and the daemon do not "
      "fit.");
  main_cf_command->add_flag("--apply", main_cf.apply, "put them there (postconf -e)");
  main_cf_command->add_flag("--json", main_cf.json, "print JSON");
  main_cf_command
      ->add_option("--postfix-config", main_cf.postfix_config,
                   "directory of main.cf (default: Postfix's own)")
      ->type_name("DIR");

  tool::DoctorOptions doctor;
  auto* doctor_command = app.add_subcommand(
      "doctor",
      "Look at all that protected mail needs on this machine, and say what mends it.\n"
      "Exit code: 0 nothing failed, 1 something did.");
  doctor_command->add_flag("--json", doctor.json, "print JSON");
  doctor_command
      ->add_option("--postfix-config", doctor.postfix_config,
                   "directory of main.cf (default: Postfix's own)")
      ->type_name("DIR");
  add_admin(*doctor_command, admin);
  doctor_command
      ->add_option("--bogus-name", doctor.survey.bogus_name,
                   "a name whose DNSSEC signatures are broken")
      ->type_name("NAME")
      ->capture_default_str();
  doctor_command
      ->add_option("--probe-domain", doctor.survey.probe_domain,
                   "a domain whose policy can be fetched")
      ->type_name("DOMAIN")
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : tool::kUsage;
  }
  if (*doctor_command) {
    doctor.config_path = config_path;
    const auto named = tool::named_admin(admin);
    if (!named) return refuse(named.error().text);
    doctor.admin = *named;
    return tool::doctor(doctor);
  }
  const auto config = load_config(config_path);
  if (*query_command) {
    if (server.empty()) return tool::query({config.listen.front(), map, keys});
    const auto address = net::parse_listen_address(server);
    if (!address) {
      fmt::print(stderr, "tlspolicy: -s {}: {}\n", server, address.error().text);
      return tool::kUsage;
    }
    return tool::query({*address, map, keys});
  }
  if (*main_cf_command) return tool::configure_postfix(main_cf, config);
  for (const auto& command : book_commands) {
    if (!*command.app) continue;
    book.daemon = admin_socket(admin, config);
    return command.run(book);
  }
  std::optional<net::ListenAddress> daemon;
  if (!standalone && (!config.admin.empty() || !admin.empty()))
    daemon = admin_socket(admin, config);
  std::error_code ignored;
  const bool by_default =
      config_path.empty() && std::filesystem::exists(config::kDefaultPath, ignored);
  return tool::explain_command(
      {.daemon = daemon,
       .why_not_daemon = standalone ? "--standalone" : "admin: \"\" in its configuration",
       .config_file = by_default ? config::kDefaultPath : config_path,
       .key = domain,
       .json = json,
       .connect = connect},
      config);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const char* name : {"OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"}) unsetenv(name);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tlspolicy: {}\n", error.what());
    return tool::kTemporary;
  }
}
