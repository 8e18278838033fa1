#include <fmt/format.h>

#include "tool/command_line.h"

namespace tlspolicyd::tool {
namespace {

// fish has __fish_use_subcommand, which takes the value of an option for a command.
constexpr auto kCommand =
    R"fish(# Whether the line is at this command; '' is none yet. What follows these options is none.
function __NAME_at --argument-names wanted
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l command ''
    while set -q tokens[1]
        if contains -- $tokens[1] $__NAME_taking
            set -e tokens[1]
        else if not string match -q -- '-*' $tokens[1]
            set command $tokens[1]
            break
        end
        set -e tokens[1]
    end
    test "$command" = "$wanted"
end
)fish";

// The daemon's list; nothing where it does not answer at once.
constexpr auto kDomains = R"fish(
function __NAME_domains
    set -l tokens (commandline -opc)
    set -l program $tokens[1]
    set -l config
    set -l admin
    while set -q tokens[2]
        switch $tokens[1]
            case -c --config
                set config -c $tokens[2]
            case -a --admin
                set admin -a $tokens[2]
        end
        set -e tokens[1]
    end
    timeout 2 $program $config completion domains $admin -- (commandline -ct) 2>/dev/null
end
)fish";

constexpr auto kEndpoints = R"fish(
function __NAME_endpoints
    set -l typed (commandline -ct)
    if string match -q -- 'unix:*' $typed
        for path in (__fish_complete_path (string replace unix: '' -- $typed) | string split -f1 \t)
            echo unix:$path
        end
    else
        printf '%s\n' unix: inet:
    end
end
)fish";

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

/// The options of `complete` for a value.
std::string values_of(const Value& value, const std::string& program) {
  switch (value.kind) {
    case Value::Kind::none: return "";
    case Value::Kind::text: return " -x";
    case Value::Kind::words: return fmt::format(" -x -a {}", quoted(joined(value.words)));
    case Value::Kind::file: return " -r -F";
    case Value::Kind::directory: return " -x -a '(__fish_complete_directories)'";
    case Value::Kind::endpoint: return fmt::format(" -x -a '(__{}_endpoints)'", program);
    case Value::Kind::domain: return fmt::format(" -x -a '(__{}_domains)'", program);
  }
  return "";
}

std::string complete_options(const Command& command, const std::string& program,
                             const std::string& where) {
  std::string lines;
  for (const auto& option : command.options) {
    lines += where;
    for (const auto& name : option.names)
      lines += name.compare(0, 2, "--") == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    lines += fmt::format("{} -d {}\n", values_of(option.value, program), quoted(option.does));
  }
  return lines;
}

/// The names of all options that take a value.
std::vector<std::string> taking_options(const CommandLine& line) {
  std::vector<std::string> names;
  for (const auto& option : line.own.options)
    if (option.value.kind != Value::Kind::none)
      names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

}  // namespace

std::string fish_completion(const CommandLine& line) {
  const auto& program = line.program;
  auto script = fmt::format("# fish completion for {0}, printed by {0} itself\n", program);
  if (!line.commands.empty())
    script += fmt::format("\nset -g __{}_taking {}\n", program, joined(taking_options(line))) +
              with_name(kCommand, program);
  if (line.has(Value::Kind::domain)) script += with_name(kDomains, program);
  if (line.has(Value::Kind::endpoint)) script += with_name(kEndpoints, program);
  script += fmt::format("\ncomplete -c {} -f\n", program);
  const auto at = [&](const std::string& command) {
    if (line.commands.empty()) return fmt::format("complete -c {}", program);
    return fmt::format("complete -c {0} -n \"__{0}_at '{1}'\"", program, command);
  };
  for (const auto& command : line.commands)
    script += fmt::format("{} -a {} -d {}\n", at(""), command.name, quoted(command.does));
  for (const auto* command : line.all()) {
    script += complete_options(*command, program, at(command->name));
    if (command->argument.kind == Value::Kind::domain)
      script += fmt::format("{} -a '(__{}_domains)'\n", at(command->name), program);
  }
  return script;
}

}  // namespace tlspolicyd::tool
