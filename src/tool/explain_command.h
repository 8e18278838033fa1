#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "net/listen_address.h"

namespace tlspolicyd::tool {

struct ExplainOptions {
  std::optional<net::ListenAddress> daemon;  ///< its admin socket; nothing: not to be asked
  std::string why_not_daemon;                ///< where that is so
  std::string config_file;                   ///< that was read, "" for none
  std::string key;                           ///< the next-hop
  bool json = false;
  bool connect = false;  ///< probe the MX hosts too, from here
};

/// `tlspolicy explain`: through the daemon if it can be asked, by its resolver and beside what it
/// remembers; else standalone, as a daemon with this configuration would find it. Says which, and
/// by whose settings. What is asked of the MX hosts is the explanation's, from wherever it came.
/// Returns an ExitCode.
int explain_command(const ExplainOptions& options, const config::Config& config);

}  // namespace tlspolicyd::tool
