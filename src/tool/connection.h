#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/listen_address.h"

namespace tlspolicyd::tool {

/// How long Postfix waits at each step.
inline constexpr base::seconds kPatienceOfPostfix{100};

/// A blocking connection to an endpoint of the daemon, whose every step takes at most `patience`.
/// Error: Fault::connect with a text that names the endpoint.
base::Result<net::FileDescriptor> connect(const net::ListenAddress& server,
                                          base::seconds patience = kPatienceOfPostfix);

}  // namespace tlspolicyd::tool
