#include "config/read_endpoints.h"

#include "config/readers.h"
#include "config/values.h"

namespace tlspolicyd::config {
namespace {

using base::Result;

/// An endpoint: text, or {path:, mode:, group:} for a unix socket.
void read_endpoint(Section& top, const std::string& key, const YAML::Node& node, Mistakes& mistakes,
                   std::vector<net::ListenAddress>& addresses) {
  if (node.IsScalar()) {
    if (auto address = net::parse_listen_address(node.Scalar())) {
      addresses.push_back(*address);
    } else {
      top.complain_of_value(node, key, node.Scalar(), address.error().text);
    }
    return;
  }
  net::UnixAddress socket;
  Section keys(node, key, mistakes);
  keys.text("path", [&](const std::string& text) -> Result<bool> {
    auto address = net::parse_listen_address("unix:" + text);
    if (!address) return address.error();
    socket.path = text;
    return true;
  });
  keys.text("mode", into(socket.mode, parse_file_mode));
  keys.text("group", [&](const std::string& text) -> Result<bool> {
    socket.group = text;
    return true;
  });
  keys.finish();
  if (!socket.path.empty()) {
    addresses.push_back(socket);
  } else if (!keys.has("path")) {
    top.complain(node, key + ": path is missing");
  }
}

}  // namespace

void read_endpoints(Section& top, const std::string& key, Mistakes& mistakes,
                    std::vector<net::ListenAddress>& addresses,
                    const std::function<void()>& found) {
  top.list(
      key,
      [&] {
        addresses.clear();
        found();
      },
      [&](const YAML::Node& node) -> Result<bool> {
        read_endpoint(top, key, node, mistakes, addresses);
        return true;
      });
}

void read_single_endpoint(Section& top, const std::string& key, Mistakes& mistakes,
                          std::vector<net::ListenAddress>& addresses,
                          const std::function<void()>& found) {
  top.value(key, [&](const YAML::Node& node) {
    addresses.clear();
    found();
    if (node.IsScalar() && node.Scalar().empty()) return;
    if (node.IsNull() || node.IsSequence()) {
      top.complain(node, key + ": one endpoint is expected, or \"\" for none");
      return;
    }
    read_endpoint(top, key, node, mistakes, addresses);
  });
}

}  // namespace tlspolicyd::config
