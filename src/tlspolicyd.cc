#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "base/line_writer.h"
#include "config/effective.h"
#include "config/source.h"
#include "daemon.h"
#include "net/inherited_sockets.h"
#include "tool/completion.h"

namespace {

using namespace tlspolicyd;

constexpr int kConfigError = 2;
constexpr int kUsageError = 64;

/// Prints every mistake; true if there is none.
bool report(const std::string& path, const config::Mistakes& mistakes) {
  for (const auto& mistake : mistakes) fmt::print(stderr, "{}\n", config::text_of(mistake, path));
  return mistakes.empty();
}

int run(int argc, char** argv) {
  CLI::App app{"TLS policy server for Postfix: MTA-STS (RFC 8461). Runs in the foreground.",
               "tlspolicyd"};
  std::string named;
  bool check = false;
  bool show = false;
  app.set_version_flag("--version", "tlspolicyd " TLSPOLICYD_VERSION);
  app.add_option(
         "-c,--config", named,
         fmt::format("configuration file (default: {}, if it exists)", config::kDefaultPath))
      ->type_name("FILE");
  app.add_flag("--check-config", check,
               "report every mistake in the configuration, or that there is none; exit code 2 or "
               "0");
  app.add_flag("--show-config", show, "print the configuration with all keys, and end");
  std::string completed;
  app.add_option("--completion", completed, "print the completion of a shell")
      ->group("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }

  if (!completed.empty()) {
    fmt::print("{}", tool::completion_of(app, completed));
    return 0;
  }
  config::Source source(named);
  auto read = source.read();
  if (!report(source.path(), read.mistakes)) return kConfigError;
  if (show) {
    fmt::print("{}", config::text_of(config::settings_of(read.config)));
  } else if (check) {
    fmt::print("{}: {}\n", source.path(),
               source.file().empty() ? "it is not there: defaults" : "no mistakes");
  }
  if (check || show) return 0;
  Daemon(std::move(read.config), std::move(source), net::take_inherited_sockets()).run();
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
    // Not for ever, should nobody read it.
    base::LineWriter(STDERR_FILENO).write(fmt::format("tlspolicyd: {}\n", error.what()));
    return 1;
  }
}
