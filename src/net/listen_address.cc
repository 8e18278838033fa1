#include "net/listen_address.h"

#include <sys/un.h>

namespace tlspolicyd::net {

base::Result<ListenAddress> parse_listen_address(std::string_view text) {
  using base::Error;
  using base::Fault;
  constexpr std::string_view kInet = "inet:";
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kLocalhost = "localhost:";
  if (text.starts_with(kUnix)) {
    const auto path = text.substr(kUnix.size());
    if (!path.starts_with('/'))
      return Error{Fault::invalid, "the path of a unix socket begins with /"};
    if (path.size() >= sizeof(sockaddr_un::sun_path))
      return Error{Fault::invalid, "the path of a unix socket has at most 107 bytes"};
    return ListenAddress(UnixAddress{.path = std::string(path), .mode = 0660, .group = {}});
  }
  if (!text.starts_with(kInet))
    return Error{Fault::invalid, "an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH"};
  text.remove_prefix(kInet.size());
  std::string numeric(text);
  if (text.starts_with(kLocalhost))
    numeric = "127.0.0.1:" + std::string(text.substr(kLocalhost.size()));
  auto endpoint = base::Endpoint::parse(numeric);
  if (!endpoint) return endpoint.error();
  return ListenAddress(*endpoint);
}

std::string text_of(const ListenAddress& address) {
  if (const auto* unix_address = std::get_if<UnixAddress>(&address))
    return "unix:" + unix_address->path;
  return "inet:" + std::get<base::Endpoint>(address).text();
}

}  // namespace tlspolicyd::net
