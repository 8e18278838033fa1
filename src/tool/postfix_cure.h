#pragma once

#include <string>

#include "tool/postfix_commands.h"

namespace tlspolicyd::tool {

/// The command, or the line of a file, that mends a problem which main_cf() tells in words.
std::string cure_of(const std::string& problem, const PostfixCommands& commands,
                    const std::string& queue_directory);

}  // namespace tlspolicyd::tool
