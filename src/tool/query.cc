#include "tool/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "tool/exit_code.h"
#include "tool/socketmap_client.h"

namespace tlspolicyd::tool {
namespace {

int show(const std::string& key, const std::string& reply, bool with_key) {
  if (reply.starts_with("NOTFOUND")) {
    // Of a single key the exit code tells.
    if (with_key) fmt::print(stderr, "tlspolicy: {}: NOTFOUND\n", base::printable(key));
    return kNotFound;
  }
  if (reply.starts_with("OK ")) {
    if (with_key) {
      fmt::print("{}\t{}\n", base::printable(key), reply.substr(3));
    } else {
      fmt::print("{}\n", reply.substr(3));
    }
    return kFound;
  }
  fmt::print(stderr, "tlspolicy: {}: {}\n", base::printable(key), base::printable(reply));
  return kTemporary;
}

}  // namespace

int query(const QueryOptions& options) {
  auto client = SocketmapClient::connect(options.server);
  if (!client) {
    fmt::print(stderr, "tlspolicy: no server answers: {}. Is tlspolicyd running? See -s.\n",
               client.error().text);
    return kUnavailable;
  }
  int gravest = kFound;
  for (const auto& key : options.keys) {
    const auto reply = client->ask(options.map, key);
    if (!reply) {
      fmt::print(stderr, "tlspolicy: {}\n", reply.error().text);
      return kUnavailable;
    }
    gravest = std::max(gravest, show(key, *reply, options.keys.size() > 1));
  }
  return gravest;
}

}  // namespace tlspolicyd::tool
