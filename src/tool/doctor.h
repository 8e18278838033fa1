#pragma once

#include <optional>
#include <string>

#include "net/listen_address.h"
#include "tool/doctor_survey.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {

struct DoctorOptions {
  std::string config_path;  ///< the daemon's configuration file, "" for the usual place
  std::optional<net::ListenAddress>
      admin;                   ///< the running daemon's admin socket, where it is named
  std::string postfix_config;  ///< directory of main.cf, "" for Postfix's own
  SurveyOptions survey;
  bool json = false;
};

/// `tlspolicy doctor`: looks at everything that protected mail needs on this machine and prints
/// what it found and what mends it. Changes nothing and needs no rights; what it may not see it
/// says. 0 if nothing failed, else 1.
ExitCode doctor(const DoctorOptions& options);

}  // namespace tlspolicyd::tool
