#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/listen_address.h"

namespace tlspolicyd::net {

/// What a service manager says in the environment about the sockets that it hands over, as
/// sd_listen_fds(3) describes it. A variable that is not set has no value.
struct ListenVariables {
  std::optional<std::string> pid;    ///< LISTEN_PID: the process that they are meant for
  std::optional<std::string> count;  ///< LISTEN_FDS
  std::optional<std::string> names;  ///< LISTEN_FDNAMES: one for each, with colons between
};

/// The names of the sockets handed over to process `self`, in the order of their descriptors, the
/// first of which is 3; "" for a socket without a name. None if they are meant for another process.
/// Error: Fault::invalid, with the variable's name.
base::Result<std::vector<std::string>> parse_listen_variables(const ListenVariables& variables,
                                                              pid_t self);

/// A listening stream socket that somebody else bound and goes on to hold.
struct InheritedSocket {
  std::string name;
  FileDescriptor descriptor;
  ListenAddress address;       ///< an abstract unix socket has the path "@NAME"
  bool also_takes_v4 = false;  ///< it is of IPv6, for every address, and IPv4 comes in there too

  /// True if who connects to `wanted` arrives at this socket: it cannot be bound a second time.
  bool covers(const ListenAddress& wanted) const;
};

/// Makes a descriptor ours: non-blocking and close-on-exec. Throws std::runtime_error with a text
/// for people unless it is a listening stream socket of IPv4, IPv6 or unix.
InheritedSocket take_over(FileDescriptor descriptor, std::string name);

/// Takes the sockets that this process inherited, and the variables out of the environment. To be
/// called once, before the first thread. Throws std::runtime_error with a text for people.
std::vector<InheritedSocket> take_inherited_sockets();

}  // namespace tlspolicyd::net
