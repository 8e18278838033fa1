#include <fmt/format.h>

#include "tool/command_line.h"

namespace tlspolicyd::tool {
namespace {

// The daemon's list; nothing where it does not answer at once.
constexpr auto kDomains = R"zsh(
_NAME_domains() {
  # What stands after the command, else what stands before it; colons in it are quoted.
  local file=${(Q)${opt_args[-c]:-${opt_args[--config]:-${config-}}}}
  local socket=${(Q)${opt_args[-a]:-${opt_args[--admin]:-${admin-}}}}
  local -a asked=(completion domains) known=()
  if [[ -n $file ]]; then asked=(-c $file $asked); fi
  if [[ -n $socket ]]; then asked+=(-a $socket); fi
  known=(${(f)"$(timeout 2 ${program:-NAME} $asked -- "$PREFIX" 2>/dev/null)"})
  compadd -a known
}
)zsh";

constexpr auto kEndpoint = R"zsh(
_NAME_endpoint() {
  if compset -P unix:; then
    _files
  elif compset -P inet:; then
    _message HOST:PORT
  else
    compadd -S '' -- unix: inet:
  fi
}
)zsh";

/// Of what stands in brackets in a specification of _arguments, within single quotes.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string action(const Value& value, const std::string& program) {
  switch (value.kind) {
    case Value::Kind::none:
    case Value::Kind::text: return " ";
    case Value::Kind::words: return "(" + joined(value.words) + ")";
    case Value::Kind::file: return "_files";
    case Value::Kind::directory: return "_files -/";
    case Value::Kind::endpoint: return "_" + program + "_endpoint";
    case Value::Kind::domain: return "_" + program + "_domains";
  }
  return " ";
}

/// The specifications of a command's options and argument for _arguments, each on a line.
std::string specifications(const Command& command, const std::string& program,
                           const std::string& indent) {
  std::string lines;
  for (const auto& option : command.options) {
    const bool takes = option.value.kind != Value::Kind::none;
    for (const auto& name : option.names) {
      const auto* joint = !takes ? "" : name.compare(0, 2, "--") == 0 ? "=" : "+";
      const auto value =
          takes ? fmt::format(":{}:{}", option.value.name, action(option.value, program)) : "";
      lines += fmt::format(" \\\n{}'({}){}{}[{}]{}'", indent, joined(option.names), name, joint,
                           quoted(option.does), value);
    }
  }
  if (command.argument.kind != Value::Kind::none)
    lines += fmt::format(" \\\n{}'{}:{}:{}'", indent, command.repeats ? "*" : "1",
                         command.argument.name, action(command.argument, program));
  return lines;
}

}  // namespace

std::string zsh_completion(const CommandLine& line) {
  const auto& program = line.program;
  auto script =
      fmt::format("#compdef {0}\n# zsh completion for {0}, printed by {0} itself\n", program);
  if (line.has(Value::Kind::domain)) script += with_name(kDomains, program);
  if (line.has(Value::Kind::endpoint)) script += with_name(kEndpoint, program);
  if (line.commands.empty()) {
    script += fmt::format("\n_{0}() {{\n  _arguments{1}\n}}\n", program,
                          specifications(line.own, program, "    "));
  } else {
    std::string commands, cases;
    for (const auto& command : line.commands) {
      commands += fmt::format("    '{}:{}'\n", command.name, quoted(command.does));
      cases += fmt::format("    {})\n      _arguments{} ;;\n", command.name,
                           specifications(command, program, "        "));
    }
    script += fmt::format(
        "\n_{0}_commands() {{\n  local -a commands=(\n{1}  )\n  _describe command commands\n}}\n"
        "\n_{0}() {{\n"
        "  local curcontext=$curcontext program=$words[1] config='' admin='' context state "
        "state_descr\n"
        "  local -a line\n"
        "  local -A opt_args\n"
        "  _arguments -C{2} \\\n"
        "    '(-)1:command:_{0}_commands' \\\n"
        "    '(-)*::argument:->argument' && return\n"
        "  if [[ $state != argument ]]; then return 1; fi\n"
        "  config=${{opt_args[-c]:-${{opt_args[--config]-}}}}\n"
        "  admin=${{opt_args[-a]:-${{opt_args[--admin]-}}}}\n"
        "  case $words[1] in\n{3}    *) return 1 ;;\n  esac\n}}\n",
        program, commands, specifications(line.own, program, "    "), cases);
  }
  return script + fmt::format(
                      "\nif [[ $funcstack[1] = _{0} ]]; then\n  _{0} \"$@\"\nelse\n"
                      "  compdef _{0} {0}\nfi\n",
                      program);
}

}  // namespace tlspolicyd::tool
