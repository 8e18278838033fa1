#pragma once

#include <string>

#include "config/config.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {

struct ConfigurePostfixOptions {
  std::string postfix_config;  ///< directory of main.cf, "" for Postfix's own
  bool apply = false;
  bool json = false;
};

/// `tlspolicy main-cf`: prints the lines of main.cf that let the installed Postfix ask a daemon
/// with this configuration; with `apply` also puts them there, unless that would stop or weaken
/// mail. 0, 69 if Postfix is not there or refuses, 78 if the two do not fit; then one line on
/// standard error says why.
ExitCode configure_postfix(const ConfigurePostfixOptions& options, const config::Config& config);

}  // namespace tlspolicyd::tool
