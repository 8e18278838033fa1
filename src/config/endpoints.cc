#include "config/endpoints.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace tlspolicyd::config {
namespace {

constexpr std::string_view kSocketmap = "socketmap";
constexpr std::array kServices{kSocketmap, std::string_view("policy"), std::string_view("admin"),
                               std::string_view("metrics")};

std::string_view service_called(std::string_view name) {
  const auto found = std::find(kServices.begin(), kServices.end(), name);
  return found == kServices.end() ? std::string_view() : *found;
}

}  // namespace

std::string_view service_of(std::string_view socket_name) {
  constexpr std::string_view kProgram = "tlspolicyd";
  constexpr std::string_view kUnit = ".socket";
  if (socket_name.empty()) return kSocketmap;
  if (!socket_name.starts_with(kProgram) || !socket_name.ends_with(kUnit))
    return service_called(socket_name);
  auto suffix = socket_name.substr(kProgram.size());
  suffix.remove_suffix(kUnit.size());
  if (suffix.starts_with('-')) suffix.remove_prefix(1);
  const auto service = service_called(suffix);
  return service.empty() ? kSocketmap : service;
}

Endpoints take_endpoints(std::string_view service,
                         const std::vector<net::ListenAddress>& configured, bool by_default,
                         std::vector<net::InheritedSocket>& sockets) {
  Endpoints endpoints;
  const auto its_own = std::stable_partition(
      sockets.begin(), sockets.end(),
      [&](const net::InheritedSocket& socket) { return service_of(socket.name) != service; });
  std::move(its_own, sockets.end(), std::back_inserter(endpoints.inherited));
  sockets.erase(its_own, sockets.end());
  if (by_default && !endpoints.inherited.empty()) return endpoints;
  std::copy_if(configured.begin(), configured.end(), std::back_inserter(endpoints.to_bind),
               [&](const net::ListenAddress& address) {
                 return std::none_of(
                     endpoints.inherited.begin(), endpoints.inherited.end(),
                     [&](const net::InheritedSocket& socket) { return socket.covers(address); });
               });
  return endpoints;
}

}  // namespace tlspolicyd::config
