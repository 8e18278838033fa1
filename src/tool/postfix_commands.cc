#include "tool/postfix_commands.h"

#include <fmt/format.h>

#include "tool/findings.h"

namespace tlspolicyd::tool {

PostfixCommands::PostfixCommands(std::string directory) {
  if (!directory.empty()) options_ = "-c " + shell_word(directory) + " ";
}

std::string PostfixCommands::set(const std::string& name, const std::string& value) const {
  return fmt::format("postconf {}-e {} && {}", options_, shell_word(name + " = " + value),
                     reload());
}

std::string PostfixCommands::remove(const std::string& name) const {
  return fmt::format("postconf {}-X {} && {}", options_, shell_word(name), reload());
}

std::string PostfixCommands::remove_override(const std::string& name) const {
  return fmt::format("postconf {}-PX {} && {}", options_, shell_word(name), reload());
}

std::string PostfixCommands::reload() const { return fmt::format("postfix {}reload", options_); }

}  // namespace tlspolicyd::tool
