#pragma once

#include <cstdlib>
#include <optional>
#include <string>

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

}  // namespace tlspolicyd::base
