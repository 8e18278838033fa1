#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "net/file_descriptor.h"

namespace tlspolicyd::net {

/// What a service manager says in the environment about being told of readiness and life, as
/// sd_notify(3) and sd_watchdog_enabled(3) describe it. A variable that is not set has no value.
struct NotifyVariables {
  std::optional<std::string> socket;         ///< NOTIFY_SOCKET: a path, or "@" and an abstract name
  std::optional<std::string> watchdog_usec;  ///< WATCHDOG_USEC
  std::optional<std::string> watchdog_pid;   ///< WATCHDOG_PID: the process that it is meant for
};

/// Takes the variables out of the environment; before the first thread.
NotifyVariables take_notify_variables();

/// How often process `self` tells that it is alive: twice in the time that the manager waits. Zero
/// if nobody waits. Error: Fault::invalid, with the variable's name.
base::Result<base::milliseconds> parse_watchdog(const NotifyVariables& variables, pid_t self);

/// Tells the service manager that started this process how it is. Without one it does nothing.
///
/// Never waits for it: what the manager has no room for now is told a moment later. The sign of
/// life comes from a timer of the loop, so that a loop that hangs gives none.
class ServiceManager {
 public:
  /// The timers and the log must outlive it. Variables that make no sense are a warning.
  ServiceManager(base::Timers& timers, const base::Log& log, const NotifyVariables& variables);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager() = default;

  /// Everything is there and is served; the watchdog begins. `status` is a line for people.
  void ready(std::string_view status);
  /// The configuration is read anew; ready() says that this has come to an end.
  void reloading();
  /// The end has begun.
  void stopping(std::string_view status);

 private:
  void tell(std::string_view assignments);
  void send();
  void live();

  base::Timers& timers_;
  const base::Log& log_;
  std::string name_;  ///< as in sun_path; "" for no manager
  FileDescriptor socket_;
  base::milliseconds interval_{0};
  std::string untold_;
  bool failing_ = false;
  base::OperationPtr next_try_;
  base::OperationPtr next_sign_;
};

}  // namespace tlspolicyd::net
