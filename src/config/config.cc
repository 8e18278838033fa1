#include "config/config.h"

namespace tlspolicyd::config {

Config::Config() : listen{net::parse_listen_address("inet:127.0.0.1:8461").value()} {}

}  // namespace tlspolicyd::config
