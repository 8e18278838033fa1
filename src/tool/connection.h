#pragma once

#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/listen_address.h"

namespace tlspolicyd::tool {

/// A blocking connection to an endpoint of the daemon, whose every step takes at most 100 s, as
/// Postfix's do. Error: Fault::connect with a text that names the endpoint.
base::Result<net::FileDescriptor> connect(const net::ListenAddress& server);

}  // namespace tlspolicyd::tool
