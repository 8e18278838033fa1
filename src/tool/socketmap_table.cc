#include "tool/socketmap_table.h"

#include <algorithm>
#include <filesystem>

namespace tlspolicyd::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnix = "unix:";

/// `path` relative to `directory`, "" if it does not lie below it.
std::string below(const std::string& directory, const std::string& path) {
  const auto relative =
      fs::path(path).lexically_normal().lexically_relative(fs::path(directory).lexically_normal());
  const auto text = relative.string();
  return text == "." || text == ".." || text.starts_with("../") ? "" : text;
}

bool same_path(const fs::path& a, const fs::path& b) {
  return a.lexically_normal() == b.lexically_normal();
}

}  // namespace

net::ListenAddress reachable(net::ListenAddress listen) {
  auto* endpoint = std::get_if<base::Endpoint>(&listen);
  if (!endpoint || !endpoint->address.is_any()) return listen;
  const bool v4 = endpoint->address.family() == base::Address::Family::v4;
  endpoint->address = base::Address::parse(v4 ? "127.0.0.1" : "::1").value();
  return listen;
}

std::optional<SocketmapTable> parse_socketmap_table(std::string_view table) {
  constexpr std::string_view kProxy = "proxy:";
  constexpr std::string_view kSocketmap = "socketmap:";
  if (table.starts_with(kProxy)) table.remove_prefix(kProxy.size());
  if (!table.starts_with(kSocketmap)) return {};
  table.remove_prefix(kSocketmap.size());
  const auto colon = table.rfind(':');
  if (colon == std::string_view::npos) return {};
  return SocketmapTable{std::string(table.substr(0, colon)), std::string(table.substr(colon + 1))};
}

DaemonEndpoints::Choice DaemonEndpoints::choice() const {
  for (const auto& listen : listen_)
    if (const auto* socket = std::get_if<net::UnixAddress>(&listen))
      if (const auto relative = below(queue_directory_, socket->path); !relative.empty())
        return {std::string(kUnix) + relative, listen, false};
  for (const auto& listen : listen_)
    if (std::holds_alternative<base::Endpoint>(listen))
      return {text_of(reachable(listen)), reachable(listen), false};
  return {text_of(listen_.front()), listen_.front(), true};
}

bool DaemonEndpoints::contain(std::string_view endpoint) const {
  if (!endpoint.starts_with(kUnix)) {
    const auto wanted = net::parse_listen_address(endpoint);
    return wanted && std::any_of(listen_.begin(), listen_.end(), [&](const auto& listen) {
             return text_of(reachable(listen)) == text_of(*wanted);
           });
  }
  const fs::path path = endpoint.substr(kUnix.size());
  const fs::path queue = queue_directory_;
  return std::any_of(listen_.begin(), listen_.end(), [&](const auto& listen) {
    const auto* socket = std::get_if<net::UnixAddress>(&listen);
    // An absolute path may also be meant from inside of the chroot.
    return socket && (same_path(queue / path, socket->path) ||
                      same_path(queue / path.relative_path(), socket->path));
  });
}

}  // namespace tlspolicyd::tool
