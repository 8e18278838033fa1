#pragma once

#include <string_view>
#include <vector>

#include "net/inherited_sockets.h"
#include "net/listen_address.h"

namespace tlspolicyd::config {

/// The service that an inherited socket of this name is for: "socketmap", "policy", "admin" or
/// "metrics", "" if the name says none.
///
/// A name is a service's own (FileDescriptorName= in a socket unit), or what systemd gives if
/// nobody chooses, the unit's: tlspolicyd-SERVICE.socket is that service, any other
/// tlspolicyd*.socket the socketmap. So is a socket without a name, from a supervisor that knows
/// no names.
std::string_view service_of(std::string_view socket_name);

/// Where one service is to be served.
struct Endpoints {
  std::vector<net::InheritedSocket> inherited;
  std::vector<net::ListenAddress> to_bind;
};

/// Takes the sockets of a service out of `sockets`. Of the `configured` endpoints those remain to
/// be bound that no inherited socket covers, and of defaults (`by_default`) none if there is any.
Endpoints take_endpoints(std::string_view service,
                         const std::vector<net::ListenAddress>& configured, bool by_default,
                         std::vector<net::InheritedSocket>& sockets);

}  // namespace tlspolicyd::config
