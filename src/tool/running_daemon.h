#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/section.h"
#include "net/listen_address.h"

namespace tlspolicyd::tool {

/// What the daemon that runs tells of itself.
struct RunningDaemon {
  std::string admin;  ///< where it was asked
  pid_t pid = 0;
  std::string file;           ///< of its configuration, an absolute path; "" where there is none
  std::string loaded_at;      ///< when that was read, "2026-11-28T16:25:29Z"
  config::Config config;      ///< in force, as the file has it
  config::Mistakes mistakes;  ///< what of that is not understood here
  std::vector<net::ListenAddress> listen;  ///< where Postfix asks; also what was inherited
  std::string cache_file;

  /// The configuration with what is true of the process.
  config::Config as_it_is() const;
};

/// Reads the reply to /status (admin/status.h). Error: Fault::invalid.
base::Result<RunningDaemon> parse_running_daemon(std::string_view status);

/// Asks for it, blocking, some seconds at most. Error: Fault::connect with a text that names the
/// endpoint, Fault::invalid for what is no such reply.
base::Result<RunningDaemon> ask_running_daemon(const net::ListenAddress& admin);

}  // namespace tlspolicyd::tool
