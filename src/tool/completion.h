#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace tlspolicyd::tool {

/// The completion of a program for a shell, `bash`, `zsh` or `fish`, as a script that its owner
/// installs: all commands and options that its help shows, with their values where these are files
/// or from a fixed set. "" for any other shell.
///
/// What a value is comes from the option's type_name: FILE, DIR, ENDPOINT, DOMAIN, MAP, or the
/// words of CLI::IsMember; a positional named `domain` or `key` is a DOMAIN. A program with such
/// values has the command `completion domains [-a ENDPOINT] BEGINNING`, which prints those that
/// are known, one a line.
std::string completion_of(const CLI::App& program, std::string_view shell);

}  // namespace tlspolicyd::tool
