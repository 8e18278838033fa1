#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "net/listen_address.h"

/// Who has a socket that one cannot have, for people who must decide what to do.
namespace tlspolicyd::net {

/// The process that listens there: of a unix socket who has called listen(2) (unix(7),
/// SO_PEERCRED), of a port who has it open, as far as proc(5) shows that to this user. Nothing if
/// it cannot be known. Looks at all processes: not for the loop.
std::optional<pid_t> holder_of(const ListenAddress& address);

/// The inode of the socket that listens on a port, in the text of /proc/net/tcp or tcp6.
std::optional<std::string> listening_inode(std::string_view table, std::uint16_t port);

/// "process 4711 (tlspolicyd)".
std::string process_text(pid_t pid);

}  // namespace tlspolicyd::net
