#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/section.h"
#include "net/listen_address.h"

/// Where to listen, as a configuration file has it: "inet:HOST:PORT", "unix:/PATH", or {path:,
/// mode:, group:} for a unix socket.
namespace tlspolicyd::config {

/// A list of them. What `addresses` holds is replaced if the key is there; `found` is called then.
void read_endpoints(
    Section& top, const std::string& key, Mistakes& mistakes,
    std::vector<net::ListenAddress>& addresses, const std::function<void()>& found = [] {});

/// The same for one endpoint, or "" for none.
void read_single_endpoint(
    Section& top, const std::string& key, Mistakes& mistakes,
    std::vector<net::ListenAddress>& addresses, const std::function<void()>& found = [] {});

}  // namespace tlspolicyd::config
