#include "tool/completion.h"

#include <CLI/CLI.hpp>

#include "tool/command_line.h"

namespace tlspolicyd::tool {

std::string completion_of(const CLI::App& program, std::string_view shell) {
  const auto line = command_line_of(program);
  if (shell == "bash") return bash_completion(line);
  if (shell == "zsh") return zsh_completion(line);
  if (shell == "fish") return fish_completion(line);
  return {};
}

}  // namespace tlspolicyd::tool
