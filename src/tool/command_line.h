#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

/// What can be typed after the name of a program; for completion.
namespace tlspolicyd::tool {

/// What stands after an option, or as a positional argument.
struct Value {
  enum class Kind { none, text, words, file, directory, endpoint, domain };
  Kind kind = Kind::none;
  std::string name{};                ///< what the help calls it
  std::vector<std::string> words{};  ///< of Kind::words
};

struct Option {
  std::vector<std::string> names{};  ///< with their dashes, short ones first
  std::string does{};                ///< one line
  Value value{};
};

struct Command {
  std::string name{};  ///< "" for the program itself
  std::string does{};  ///< one line
  std::vector<Option> options{};
  Value argument{};      ///< its positional argument
  bool repeats = false;  ///< which may be given more than once
};

struct CommandLine {
  std::string program{};
  Command own{};                    ///< what stands before a command, or without one
  std::vector<Command> commands{};  ///< without the hidden ones

  /// The program and its commands.
  std::vector<const Command*> all() const;
  /// Whether a value of this kind can be given anywhere.
  bool has(Value::Kind kind) const;
};

CommandLine command_line_of(const CLI::App& program);

/// Words with a space between them; a value's words and an option's names need no quoting.
std::string joined(const std::vector<std::string>& words, const char* separator = " ");

/// A part of a script, with `program` wherever it says NAME.
std::string with_name(std::string script, const std::string& program);

// The scripts for each shell.
std::string bash_completion(const CommandLine& line);
std::string zsh_completion(const CommandLine& line);
std::string fish_completion(const CommandLine& line);

}  // namespace tlspolicyd::tool
