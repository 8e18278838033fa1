#pragma once

#include <string>
#include <vector>

#include "net/listen_address.h"

namespace tlspolicyd::tool {

struct QueryOptions {
  net::ListenAddress server;
  std::string map = "postfix";
  std::vector<std::string> keys;
};

/// `tlspolicy query`: asks the running daemon and prints each reply as `postmap -q` does: the value
/// (with several keys: key, tab, value) on standard output, failures on standard error; there also
/// which of several keys were not found.
/// Returns the gravest exit code of all keys (ExitCode).
int query(const QueryOptions& options);

}  // namespace tlspolicyd::tool
