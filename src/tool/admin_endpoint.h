#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/read_config.h"
#include "net/listen_address.h"

/// Where the running daemon is asked.
namespace tlspolicyd::tool {

/// The endpoint that the command line names (`option`, "" if it does not), else $TLSPOLICY_ADMIN;
/// nothing if there is neither. Error: Fault::invalid, a text that says which of them is wrong.
base::Result<std::optional<net::ListenAddress>> named_admin(const std::string& option);

/// That of the daemon with this configuration, nothing if it has none. A file with mistakes tells
/// it all the same, unless they are about the endpoint itself: then it is the default one.
std::optional<net::ListenAddress> admin_endpoint(const config::ReadConfig& read);

}  // namespace tlspolicyd::tool
