#include "config/config.h"

#include <unistd.h>

#include <cstdlib>

namespace tlspolicyd::config {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

Config::Config()
    : listen{net::parse_listen_address("inet:127.0.0.1:8461").value()},
      admin{net::parse_listen_address(kDefaultAdmin).value()} {}

std::string default_cache_path() {
  // systemd gives a list separated by colons where a unit has several.
  const auto state = environment("STATE_DIRECTORY");
  if (!state.empty()) return state.substr(0, state.find(':')) + "/cache.db";
  if (const auto home = environment("XDG_STATE_HOME"); !home.empty())
    return home + "/tlspolicyd/cache.db";
  if (const auto home = environment("HOME"); !home.empty() && geteuid() != 0)
    return home + "/.local/state/tlspolicyd/cache.db";
  return "/var/lib/tlspolicyd/cache.db";
}

}  // namespace tlspolicyd::config
