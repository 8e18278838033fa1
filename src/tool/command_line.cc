#include "tool/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

namespace tlspolicyd::tool {
namespace {

/// The words of CLI::IsMember, which are in the name of the type: "TEXT:{enforce,testing,none}".
std::vector<std::string> words_in(const std::string& type) {
  const auto from = type.find('{');
  const auto to = type.rfind('}');
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  return CLI::detail::split(type.substr(from + 1, to - from - 1), ',');
}

Value value_of(const CLI::Option& option) {
  using Kind = Value::Kind;
  if (option.get_items_expected_max() == 0) return {};
  const auto type = option.get_type_name();
  const auto& place = option.get_name(true);
  if (auto words = words_in(type); !words.empty()) return {Kind::words, "VALUE", words};
  if (type == "MAP")
    return {Kind::words, type, {"postfix", "postfix-tlsrpt", "QUERY", "QUERYwithTLSRPT"}};
  if (type == "FILE") return {Kind::file, type};
  if (type == "DIR") return {Kind::directory, type};
  if (type == "ENDPOINT") return {Kind::endpoint, type};
  if (type == "DOMAIN" || (option.get_positional() && (place == "domain" || place == "key")))
    return {Kind::domain, "DOMAIN"};
  return {Kind::text, type};
}

std::string first_line(const std::string& text) {
  auto line = text.substr(0, text.find('\n'));
  if (!line.empty() && line.back() == '.') line.pop_back();
  return line;
}

Command command_of(const CLI::App& app) {
  Command command;
  command.does = first_line(app.get_description());
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      command.argument = value_of(*option);
      command.repeats = option->get_items_expected_max() > 1;
      continue;
    }
    Option added{{}, first_line(option->get_description()), value_of(*option)};
    for (const auto& name : option->get_snames()) added.names.push_back("-" + name);
    for (const auto& name : option->get_lnames()) added.names.push_back("--" + name);
    command.options.push_back(std::move(added));
  }
  return command;
}

}  // namespace

std::vector<const Command*> CommandLine::all() const {
  std::vector<const Command*> found{&own};
  for (const auto& command : commands) found.push_back(&command);
  return found;
}

bool CommandLine::has(Value::Kind kind) const {
  const auto everything = all();
  return std::any_of(everything.begin(), everything.end(), [kind](const Command* command) {
    return command->argument.kind == kind ||
           std::any_of(command->options.begin(), command->options.end(),
                       [kind](const Option& option) { return option.value.kind == kind; });
  });
}

CommandLine command_line_of(const CLI::App& program) {
  CommandLine line{program.get_name(), command_of(program), {}};
  for (const auto* app : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (app->get_group().empty()) continue;
    line.commands.push_back(command_of(*app));
    line.commands.back().name = app->get_name();
  }
  return line;
}

std::string joined(const std::vector<std::string>& words, const char* separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

std::string with_name(std::string script, const std::string& program) {
  constexpr std::string_view kName = "NAME";
  for (auto at = script.find(kName); at != std::string::npos;
       at = script.find(kName, at + program.size()))
    script.replace(at, kName.size(), program);
  return script;
}

}  // namespace tlspolicyd::tool
