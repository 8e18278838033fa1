#include <fmt/format.h>

#include "tool/command_line.h"

namespace tlspolicyd::tool {
namespace {

constexpr auto kBegin = R"bash(# bash completion for NAME, printed by NAME itself

)bash";

// Bash cuts words at ":" and "=", which endpoints and --option=value contain; here they are whole
// again, and what stands before the last cut is left out of the replies.
constexpr auto kEnd = R"bash(
_NAME() {
  local -a words=() asked=()
  local word='' cut='' takes='' option='' command='' value='' before='' head='' options='' commands='' i
  local places=0 last=0
  COMPREPLY=()
  _NAME_commands
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]-}
    if ((${#words[@]})) && [[ $cut = yes || $word =~ ^[:=]+$ ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    if [[ $word =~ ^[:=]+$ ]]; then cut=yes; else cut=''; fi
  done
  last=$((${#words[@]} - 1))
  if ((last < 0)); then return; fi
  head=${words[last]}
  if [[ $word =~ ^[:=]+$ ]]; then word=''; fi
  head=${head%"$word"}

  for ((i = 0; i < last; i++)); do
    word=${words[i]}
    if [[ $takes ]]; then
      _NAME_asks "$option" "$word"
      takes=''
      continue
    fi
    case $word in
      --*=*) _NAME_asks "${word%%=*}" "${word#*=}" ;;
      -*)
        option=$word
        _NAME_takes "$command" "$option" ;;
      *)
        if [[ -z $command && $commands ]]; then command=$word; else places=$((places + 1)); fi ;;
    esac
  done

  value=${words[last]}
  if [[ -z $takes ]]; then
    case $value in
      --*=*)
        option=${value%%=*} before=${value%%=*}= value=${value#*=}
        _NAME_takes "$command" "$option" ;;
      -*)
        _NAME_options "$command"
        takes="words $options" ;;
      *)
        if [[ -z $command && $commands ]]; then
          takes="words $commands"
        else
          _NAME_argument "$command" "$places"
        fi ;;
    esac
  fi

  local reply
  while IFS= read -r reply; do
    reply=$before$reply
    COMPREPLY+=("${reply#"$head"}")
  done < <(_NAME_replies "${1:-NAME}" "$takes" "$value")
  case $takes in
    file | directory | endpoint) compopt -o filenames 2>/dev/null ;;
  esac
  if [[ $takes = endpoint && ${COMPREPLY[0]-} = *: ]]; then compopt -o nospace 2>/dev/null; fi
}

# What the list of domains must know of the line: configuration and admin socket.
_NAME_asks() {
  case $1 in
    -c | --config) asked=("-c" "$2" "${asked[@]}") ;;
    -a | --admin) asked+=("-a" "$2") ;;
  esac
}

_NAME_replies() {
  case $2 in
    words\ *) compgen -W "${2#words }" -- "$3" ;;
    file) compgen -f -- "$3" ;;
    directory) compgen -d -- "$3" ;;
    endpoint)
      case $3 in
        unix:*) compgen -P unix: -f -- "${3#unix:}" ;;
        *) compgen -W 'unix: inet:' -- "$3" ;;
      esac ;;
    domain) _NAME_domains "$1" "$3" ;;
  esac
}

complete -F _NAME NAME
)bash";

// The daemon's list; nothing where it does not answer at once.
constexpr auto kDomains = R"bash(
_NAME_domains() {
  local -a config=() admin=()
  local i
  for ((i = 0; i + 1 < ${#asked[@]}; i += 2)); do
    if [[ ${asked[i]} = -c ]]; then config=("${asked[@]:i:2}"); else admin=("${asked[@]:i:2}"); fi
  done
  timeout 2 "$1" "${config[@]}" completion domains "${admin[@]}" -- "$2" 2>/dev/null
}
)bash";

constexpr auto kNoDomains = R"bash(
_NAME_domains() { :; }
)bash";

std::string takes_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::none: return "";
    case Value::Kind::text: return "text";
    case Value::Kind::words: return "words " + joined(value.words);
    case Value::Kind::file: return "file";
    case Value::Kind::directory: return "directory";
    case Value::Kind::endpoint: return "endpoint";
    case Value::Kind::domain: return "domain";
  }
  return "";
}

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::string takes, options, arguments, commands;
  for (const auto* command : line.all()) {
    std::vector<std::string> names;
    for (const auto& option : command->options) {
      names.insert(names.end(), option.names.begin(), option.names.end());
      if (option.value.kind == Value::Kind::none) continue;
      std::vector<std::string> patterns;
      for (const auto& name : option.names) patterns.push_back(command->name + ":" + name);
      takes +=
          fmt::format("    {}) takes='{}' ;;\n", joined(patterns, " | "), takes_of(option.value));
    }
    options += fmt::format("    '{}') options='{}' ;;\n", command->name, joined(names));
    if (command->argument.kind != Value::Kind::none)
      arguments += fmt::format("    {}:{}) takes='{}' ;;\n", command->name,
                               command->repeats ? "*" : "0", takes_of(command->argument));
    if (!command->name.empty()) commands += " " + command->name;
  }
  if (!commands.empty()) commands.erase(0, 1);
  auto script = std::string(kBegin);
  script += fmt::format("_NAME_commands() {{ commands='{}'; }}\n\n", commands);
  script += "_NAME_options() {\n  case $1 in\n" + options + "  esac\n}\n\n";
  script += "_NAME_takes() {\n  case $1:$2 in\n" + takes + "    *) takes='' ;;\n  esac\n}\n\n";
  script += "_NAME_argument() {\n  case $1:$2 in\n" + arguments + "    *) takes='' ;;\n  esac\n}\n";
  script += line.has(Value::Kind::domain) ? kDomains : kNoDomains;
  return with_name(script + kEnd, line.program);
}

}  // namespace tlspolicyd::tool
