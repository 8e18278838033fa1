#include "net/connect_error.h"

#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "net/file_descriptor.h"

namespace tlspolicyd::net {
namespace {

using base::Address;
using base::Endpoint;
using base::Fault;

/// Any address of 2000::/3 does: where there is a default route, it goes there.
constexpr std::string_view kInternet = "2606:4700::";

/// Connecting a UDP socket chooses a route and a source address, and sends nothing.
bool has_source(const Endpoint& endpoint) {
  const int domain = endpoint.address.family() == Address::Family::v4 ? AF_INET : AF_INET6;
  const FileDescriptor fd(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const base::SocketAddress address(endpoint);
  return fd && ::connect(fd.get(), address.get(), address.length) == 0;
}

bool has_ipv6_route() { return has_source({Address::parse(kInternet).value(), 443}); }

}  // namespace

Fault fault_of(const ConnectFailure& failure, Address::Family family, const Connectivity& have) {
  switch (failure.cause) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return Fault::system;
    case EADDRNOTAVAIL: return have.has_source ? Fault::system : Fault::connect;
    case ENETUNREACH:
      return failure.at_once && family == Address::Family::v4 && !have.has_ipv6_route
                 ? Fault::system
                 : Fault::connect;
    default: return Fault::connect;
  }
}

base::Error connect_error(const Endpoint& endpoint, const ConnectFailure& failure) {
  const Connectivity have{.has_ipv6_route = failure.cause == ENETUNREACH && has_ipv6_route(),
                          .has_source = failure.cause == EADDRNOTAVAIL && has_source(endpoint)};
  const auto fault = fault_of(failure, endpoint.address.family(), have);
  auto text = endpoint.text() + ": " + std::generic_category().message(failure.cause);
  if (fault == Fault::system && failure.cause == ENETUNREACH) (text += ": ") += kNoUplink;
  if (fault == Fault::system && failure.cause == EADDRNOTAVAIL)
    text += ": this machine has no free local port";
  return {fault, std::move(text)};
}

}  // namespace tlspolicyd::net
