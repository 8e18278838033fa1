#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "config/source.h"
#include "tlspolicy_options.h"
#include "tool/admin_endpoint.h"
#include "tool/exit_code.h"
#include "tool/explain_command.h"
#include "tool/known_domains.h"
#include "tool/query.h"
#include "tool/running_daemon.h"

namespace {

using namespace tlspolicyd;

/// A command cannot begin: its exit code; why was said.
struct Refusal {
  int code;
};

[[noreturn]] void refuse(int code, const std::string& why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  throw Refusal{code};
}

/// The configuration that the daemon would use, for what cannot be done by a wrong one.
config::Config right_config(const CommandLine& line) {
  config::Source source(line.config_path);
  auto read = source.read();
  for (const auto& mistake : read.mistakes)
    fmt::print(stderr, "{}\n", config::text_of(mistake, source.path()));
  if (!read.mistakes.empty()) throw Refusal{tool::kMisfit};
  return std::move(read.config);
}

/// The same for what only needs to know where the daemon is asked; mistakes are told.
config::ReadConfig any_config(const CommandLine& line) {
  config::Source source(line.config_path);
  auto read = source.read();
  if (!read.mistakes.empty())
    fmt::print(stderr, "tlspolicy: warning: {}; where the daemon is asked may be wrong\n",
               config::text_of(read.mistakes.front(), source.path()));
  return read;
}

std::optional<net::ListenAddress> named_admin(const CommandLine& line) {
  auto named = tool::named_admin(line.admin);
  if (!named) refuse(tool::kUsage, named.error().text);
  return *named;
}

net::ListenAddress admin_to_ask(const CommandLine& line) {
  if (const auto named = named_admin(line)) return *named;
  if (const auto endpoint = tool::admin_endpoint(any_config(line))) return *endpoint;
  refuse(tool::kUnavailable, "the daemon has no admin socket: admin: \"\" in its configuration");
}

/// What main.cf is written for: the daemon that runs, as it is, or the one that would run by the
/// file; by the file named, if one is.
config::Config config_to_serve(const CommandLine& line) {
  auto config = right_config(line);
  if (!line.config_path.empty() || config.admin.empty()) return config;
  const auto running = tool::ask_running_daemon(named_admin(line).value_or(config.admin.front()));
  return running ? running->as_it_is() : config;
}

net::ListenAddress server_to_ask(const CommandLine& line) {
  const auto& named = line.query.server;
  if (named.empty()) {
    const auto read = any_config(line);
    return read.config.listen.empty() ? config::Config().listen.front()
                                      : read.config.listen.front();
  }
  const auto address = net::parse_listen_address(named);
  if (!address) refuse(tool::kUsage, fmt::format("-s {}: {}", named, address.error().text));
  return *address;
}

int explain(const CommandLine& line) {
  const auto config = right_config(line);
  std::optional<net::ListenAddress> daemon;
  if (!line.explain.standalone) {
    daemon = named_admin(line);
    if (!daemon && !config.admin.empty()) daemon = config.admin.front();
  }
  std::error_code ignored;
  const bool by_default =
      line.config_path.empty() && std::filesystem::exists(config::kDefaultPath, ignored);
  return tool::explain_command(
      {.daemon = daemon,
       .why_not_daemon =
           line.explain.standalone ? "--standalone" : "admin: \"\" in its configuration",
       .config_file = by_default ? config::kDefaultPath : line.config_path,
       .key = line.explain.key,
       .json = line.json,
       .connect = line.explain.connect},
      config);
}

int run(CommandLine& line) {
  const std::map<std::string, int (*)(const tool::BookOptions&)> of_book{
      {"status", tool::show_status},
      {"list", tool::list_policies},
      {"show", tool::show_domain},
      {"forget", tool::forget_domain},
      {"refresh", tool::refresh_domain}};
  if (const auto command = of_book.find(line.command); command != of_book.end()) {
    line.book.daemon = admin_to_ask(line);
    return command->second(line.book);
  }
  if (line.command == "completion")
    return tool::print_known_domains(admin_to_ask(line), line.completion.beginning);
  if (line.command == "query")
    return tool::query({server_to_ask(line), line.query.map, line.query.keys});
  if (line.command == "main-cf")
    return tool::configure_postfix(line.main_cf, config_to_serve(line));
  if (line.command == "doctor") {
    line.doctor.admin = named_admin(line);
    return tool::doctor(line.doctor);
  }
  return explain(line);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const char* name : {"OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"}) unsetenv(name);
  try {
    CommandLine line;
    if (const auto code = line.parse(argc, argv)) return *code;
    return run(line);
  } catch (const Refusal& refusal) {
    return refusal.code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tlspolicy: {}\n", error.what());
    return tool::kTemporary;
  }
}
