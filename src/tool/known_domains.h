#pragma once

#include <string>

#include "net/listen_address.h"

namespace tlspolicyd::tool {

/// `tlspolicy completion domains`: prints the policy domains that the daemon knows and that begin
/// with `beginning`, one a line and as they come, at most 1000. Returns an ExitCode; says nothing
/// of trouble, since a line is being typed.
int print_known_domains(const net::ListenAddress& daemon, const std::string& beginning);

}  // namespace tlspolicyd::tool
