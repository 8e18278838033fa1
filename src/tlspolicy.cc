#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <filesystem>

#include "config/read_config.h"
#include "tool/configure_postfix.h"
#include "tool/exit_code.h"
#include "tool/explain.h"
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
    fmt::print(stderr, "{}:{}: {}\n", path, mistake.line, mistake.text);
  if (!read.mistakes.empty()) std::exit(tool::kDeferred);
  return std::move(read.config);
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

  std::string domain;
  bool json = false;
  auto* explain_command = app.add_subcommand(
      "explain",
      "Show every step of the decision for a domain, over this host's own network.\n"
      "Exit code: 0 protected, 1 unprotected, 2 would be deferred, 75 could not tell.");
  explain_command->add_flag("--json", json, "print JSON");
  explain_command->add_option("domain", domain, "next-hop, as for query")->required();

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

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : tool::kUsage;
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
  const auto explanation = tool::explain(config, domain);
  fmt::print("{}", json ? as_json(explanation) : as_text(explanation));
  return tool::exit_code_of(explanation.outcome);
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
