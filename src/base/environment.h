#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace tlspolicyd::base {

/// The value of an environment variable that is meant for this process alone; it is removed, so
/// that no child inherits it. Before the first thread (unsetenv(3)).
inline std::optional<std::string> take_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken(value);
  ::unsetenv(name);
  return taken;
}

/// What is wrong with the value of an environment variable (Fault::invalid).
inline Error bad_environment(std::string_view variable, std::string_view what,
                             std::string_view value) {
  return {Fault::invalid, fmt::format("{}: {}, not \"{}\"", variable, what, printable(value))};
}

}  // namespace tlspolicyd::base
