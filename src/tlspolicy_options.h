#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tool/book.h"
#include "tool/configure_postfix.h"
#include "tool/doctor.h"

namespace tlspolicyd {

/// The command line of `tlspolicy`: a command and what it is told (tlspolicy(1)). The options that
/// several commands have may stand before the command or after it.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Fills in what follows. The exit code if there is nothing left to do: help was wished, or the
  /// line is wrong, which has been said.
  std::optional<int> parse(int argc, char** argv);

  std::string command;      ///< its name
  std::string config_path;  ///< "" for the usual place
  std::string admin;        ///< "" if it is not named
  bool json = false;

  struct Query {
    std::string map = "postfix";
    std::string server;  ///< "" for the first endpoint of the configuration
    std::vector<std::string> keys;
  } query;
  struct Explain {
    std::string key;
    bool standalone = false;
    bool connect = false;
  } explain;
  struct Completion {
    std::string what;  ///< domains; parse() has printed any other
    std::string beginning;
  } completion;
  tool::BookOptions book;
  tool::ConfigurePostfixOptions main_cf;
  tool::DoctorOptions doctor;

 private:
  CLI::App& add(const std::string& name, const std::string& does);
  void add_config(CLI::App& to);
  void add_admin(CLI::App& to);
  void add_json(CLI::App& to);
  void add_query();
  void add_explain();
  void add_book();
  void add_main_cf();
  void add_doctor();
  void add_completion();
  std::string trouble(const CLI::App& chosen) const;
  std::string unknown_command(const std::vector<std::string>& words) const;

  CLI::App app_;
};

}  // namespace tlspolicyd
