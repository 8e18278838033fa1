#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "daemon.h"
#include "net/socket_holder.h"

namespace tlspolicyd {
namespace {

constexpr std::string_view kSocketmap = "socketmap";

/// Who listens where this daemon cannot, and what to do; "" if that is not why it failed.
std::string who_is_there(const net::ListenAddress& address, std::string_view failure) {
  if (failure.find(std::strerror(EADDRINUSE)) == std::string_view::npos) return {};
  const auto holder = net::holder_of(address);
  return fmt::format("; {}: stop it, or have this one listen elsewhere",
                     holder ? net::process_text(*holder) : "root can see who it is (ss -lptnx)");
}

}  // namespace

/// Throws std::runtime_error if it cannot be served as the operator wants it.
void Daemon::listen(std::vector<net::InheritedSocket> inherited) {
  const bool by_default = config_.listen_by_default;
  auto socketmap = config::take_endpoints(kSocketmap, config_.listen, by_default, inherited);
  auto policy = config::take_endpoints("policy", config_.policy_service, false, inherited);
  auto admin = config::take_endpoints("admin", config_.admin, config_.admin_by_default, inherited);
  auto metrics = config::take_endpoints("metrics", config_.metrics, false, inherited);
  for (const auto& socket : inherited) {
    // Whoever holds it goes on to let clients in, and they wait: mail that flows on another
    // endpoint is worth more than all of it being refused. But if this one seems to be the only
    // one that was wanted, nobody would be served, and it would not be seen.
    const auto service = config::service_of(socket.name);
    if (service.empty() && by_default && socketmap.inherited.empty())
      throw std::runtime_error(fmt::format(
          "inherited socket {} has the unknown name \"{}\", and none is for the socketmap: "
          "FileDescriptorName=socketmap in its unit",
          text_of(socket.address), base::printable(socket.name)));
    log_.warning("inherited socket closed: nothing here serves it",
                 {{"name", socket.name}, {"address", text_of(socket.address)}});
  }
  serve(kSocketmap, server_, std::move(socketmap), by_default ? "default" : "configured");
  serve("policy_service", policy_server_, std::move(policy), "configured");
  serve("metrics", admin_.metrics(), std::move(metrics), "configured");
  serve_operators(std::move(admin));
}

void Daemon::serve_operators(config::Endpoints endpoints) {
  const auto is_open = [](const net::ListenAddress& address) {
    return std::holds_alternative<base::Endpoint>(address);
  };
  if (std::any_of(endpoints.to_bind.begin(), endpoints.to_bind.end(), is_open) ||
      std::any_of(endpoints.inherited.begin(), endpoints.inherited.end(),
                  [&](const auto& socket) { return is_open(socket.address); }))
    log_.warning("admin: everybody who can connect may let policies be forgotten",
                 {{"hint", "a unix socket has a mode and a group"}});
  try {
    serve("admin", admin_.operators(), std::move(endpoints),
          config_.admin_by_default ? "default" : "configured");
  } catch (const std::runtime_error& error) {
    // Nobody asked for it: mail does not need it.
    if (!config_.admin_by_default) throw;
    log_.warning("no admin socket: tlspolicy status, list, show, forget and refresh do not work",
                 {{"why", error.what()}, {"hint", "make its directory, or set admin: \"\""}});
  }
}

template <class Server>
void Daemon::serve(std::string_view service, Server& server, config::Endpoints endpoints,
                   std::string_view origin) {
  for (auto& socket : endpoints.inherited) {
    server.listen(std::move(socket.descriptor));
    note_endpoint(service, socket.address, "inherited");
  }
  for (const auto& address : endpoints.to_bind) {
    try {
      server.listen(address);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(error.what() + who_is_there(address, error.what()));
    }
    note_endpoint(service, address, origin);
  }
}

void Daemon::note_endpoint(std::string_view service, const net::ListenAddress& address,
                           std::string_view origin) {
  facts_.endpoints.push_back({std::string(service), text_of(address)});
  log_.info("listening", {{service, facts_.endpoints.back().endpoint}, {"origin", origin}});
}

}  // namespace tlspolicyd
