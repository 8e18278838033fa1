#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tlspolicyd::tool {

/// A process of tlspolicyd, as proc(5) shows it to this user.
struct DaemonProcess {
  pid_t pid = 0;
  std::optional<uid_t> user{};
  std::optional<std::size_t> files{};  ///< its limit of open files
  std::string config_path{};  ///< an absolute path if it can be known; "" for the usual place
};

/// The one of this number; nothing if that is another program, or none.
std::optional<DaemonProcess> daemon_process(pid_t pid);

/// One that runs, if any does.
std::optional<DaemonProcess> find_daemon_process();

/// The file that is named on a command line, whose words end with a zero each; "" if none is.
std::string config_path_in(std::string_view command_line);

/// The soft limit of open files in the text of /proc/PID/limits.
std::optional<std::size_t> files_in(const std::string& limits);

}  // namespace tlspolicyd::tool
