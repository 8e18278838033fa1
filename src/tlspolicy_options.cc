#include "tlspolicy_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/values.h"
#include "tool/completion.h"
#include "tool/exit_code.h"

namespace tlspolicyd {
namespace {

const std::string kAdmin = "-a,--admin";
const std::string kConfig = "-c,--config";
const std::string kJson = "--json";

int usage(const std::string& why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  return tool::kUsage;
}

}  // namespace

CommandLine::CommandLine()
    : app_("Asks and explains the TLS policies that tlspolicyd gives to Postfix.", "tlspolicy") {
  app_.set_version_flag("--version", "tlspolicy " TLSPOLICYD_VERSION);
  app_.require_subcommand(1);
  add_config(app_);
  add_admin(app_);
  add_json(app_);
  add_query();
  add_explain();
  add_book();
  add_main_cf();
  add_doctor();
  add_completion();
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app_.get_subcommands().empty())
      if (const auto why = unknown_command({argv + 1, argv + argc}); !why.empty())
        return usage(why);
    return app_.exit(error) == 0 ? 0 : tool::kUsage;
  }
  const auto& chosen = *app_.get_subcommands().front();
  command = chosen.get_name();
  if (command == "completion" && completion.what != "domains") {
    fmt::print("{}", tool::completion_of(app_, completion.what));
    return 0;
  }
  if (const auto why = trouble(chosen); !why.empty()) return usage(why);
  book.json = main_cf.json = doctor.json = json;
  doctor.config_path = config_path;
  return std::nullopt;
}

/// An option before the command that the command does not have.
std::string CommandLine::trouble(const CLI::App& chosen) const {
  for (const auto* option : {&kAdmin, &kJson}) {
    const auto name = option->substr(0, option->find(','));
    if (app_.count(name) > 0 && chosen.get_option_no_throw(name) == nullptr)
      return fmt::format("{} is not for {}; see tlspolicy {} --help", name, command, command);
  }
  return {};
}

/// What is wrong with the first word that should be a command, "" if it is one.
std::string CommandLine::unknown_command(const std::vector<std::string>& words) const {
  for (auto word = words.begin(); word != words.end(); ++word) {
    const bool has_value =
        *word == "-a" || *word == "--admin" || *word == "-c" || *word == "--config";
    if (has_value && ++word == words.end()) break;
    if (has_value || word->starts_with('-')) continue;
    std::vector<std::string> names;
    bool is_one = false;
    for (const auto* known : app_.get_subcommands([](const auto*) { return true; })) {
      is_one = is_one || known->get_name() == *word;
      if (!known->get_group().empty()) names.push_back(known->get_name());
    }
    if (is_one) break;
    const auto nearest = config::nearest_word(*word, names);
    return fmt::format("there is no command {}; {}", *word,
                       nearest.empty() ? fmt::format("those that are: {}", fmt::join(names, ", "))
                                       : fmt::format("did you mean {}?", nearest));
  }
  return {};
}

CLI::App& CommandLine::add(const std::string& name, const std::string& does) {
  auto& added = *app_.add_subcommand(name, does);
  add_config(added);
  return added;
}

void CommandLine::add_config(CLI::App& to) {
  to.add_option(kConfig, config_path, "configuration file of the daemon")->type_name("FILE");
}

void CommandLine::add_admin(CLI::App& to) {
  to.add_option(kAdmin, admin,
                "the daemon's admin socket (default: $TLSPOLICY_ADMIN, else the "
                "configuration's)")
      ->type_name("ENDPOINT");
}

void CommandLine::add_json(CLI::App& to) { to.add_flag(kJson, json, "print JSON"); }

void CommandLine::add_query() {
  auto& to = add("query",
                 "Ask the running daemon, as Postfix does.\n"
                 "Exit code: 0 found, 1 NOTFOUND, 75 TEMP, 69 no server.");
  to.add_option("-m,--map", query.map, "map name")->type_name("MAP")->capture_default_str();
  to.add_option("-s,--server", query.server,
                "the daemon's endpoint: inet:HOST:PORT or unix:/PATH (default: the first "
                "of the configuration)")
      ->type_name("ENDPOINT");
  to.add_option("key", query.keys, "next-hop: example.org, [relay.example]:587, ...")->required();
}

void CommandLine::add_explain() {
  auto& to = add("explain",
                 "Show every step of the decision for a domain: through the daemon if it runs, "
                 "else over this host's own network.\n"
                 "Exit code: 0 protected, 1 unprotected, 2 would be deferred, 75 could not tell.");
  add_json(to);
  to.add_flag("--standalone", explain.standalone, "do not ask the daemon");
  to.add_flag("--connect", explain.connect,
              "also connect to the MX hosts, from here, and say which would be accepted");
  add_admin(to);
  to.add_option("domain", explain.key, "next-hop, as for query")->required();
}

void CommandLine::add_book() {
  struct Command {
    const char* name;
    const char* does;
    bool of_domain;
  };
  const Command commands[] = {
      {"status", "Show how the running daemon does.\nExit code: 0, 69 no daemon.", false},
      {"list", "List the policies that the running daemon knows.\nExit code: 0, 69 no daemon.",
       false},
      {"show",
       "Show all that the running daemon remembers of a domain.\n"
       "Exit code: 0 known, 1 not known, 69 no daemon.",
       true},
      {"forget",
       "Let the running daemon forget a domain, in memory and on disk.\n"
       "Exit code: 0 forgotten, 1 not known, 69 no daemon, 75 not on disk, or busy.",
       true},
      {"refresh",
       "Let the running daemon fetch the policy of a domain now.\n"
       "Exit code: 0 fetched, 1 it has none, 69 no daemon, 75 failed, busy, or too soon.",
       true},
  };
  for (const auto& one : commands) {
    auto& to = add(one.name, one.does);
    add_json(to);
    add_admin(to);
    if (one.of_domain) to.add_option("domain", book.domain, "policy domain")->required();
  }
  auto* list = app_.get_subcommand("list");
  list->add_option("--mode", book.mode, "only those of this mode")
      ->check(CLI::IsMember({"enforce", "testing", "none"}));
  list->add_option("--limit", book.limit, "the first so many, by name");
}

void CommandLine::add_main_cf() {
  auto& to = add("main-cf",
                 "Print the lines of main.cf that let the installed Postfix ask the daemon.\n"
                 "Exit code: 0 done, 69 no Postfix, or it refuses, 78 this Postfix and the daemon "
                 "do not fit.");
  to.add_flag("--apply", main_cf.apply, "put them there (postconf -e)");
  add_json(to);
  to.add_option("--postfix-config", main_cf.postfix_config,
                "directory of main.cf (default: Postfix's own)")
      ->type_name("DIR");
}

void CommandLine::add_doctor() {
  auto& to = add("doctor",
                 "Look at all that protected mail needs on this machine, and say what mends it.\n"
                 "Exit code: 0 nothing failed, 1 something did.");
  add_json(to);
  to.add_option("--postfix-config", doctor.postfix_config,
                "directory of main.cf (default: Postfix's own)")
      ->type_name("DIR");
  add_admin(to);
  to.add_option("--bogus-name", doctor.survey.bogus_name,
                "a name whose DNSSEC signatures are broken")
      ->type_name("NAME")
      ->capture_default_str();
  to.add_option("--probe-domain", doctor.survey.probe_domain,
                "a domain whose policy can be fetched")
      ->type_name("DOMAIN")
      ->capture_default_str();
}

/// Of the scripts that are installed for shells, not of people: it is in no help.
void CommandLine::add_completion() {
  auto& to = add("completion", "Print the completion of a shell, or known domains.");
  to.group("");
  add_admin(to);
  to.add_option("what", completion.what)
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "domains"}));
  to.add_option("beginning", completion.beginning);
}

}  // namespace tlspolicyd
