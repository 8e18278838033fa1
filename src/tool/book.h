#pragma once

#include <string>

#include "net/listen_address.h"

namespace tlspolicyd::tool {

/// `tlspolicy status`, `list`, `show`, `forget`, `refresh`: the running daemon's book of policies.
struct BookOptions {
  net::ListenAddress daemon = net::UnixAddress{};  ///< its admin socket
  bool json = false;                               ///< print what the daemon says as it stands
  std::string domain;                              ///< of show, forget, refresh
  std::string mode;                                ///< of list: only those; "" for all
  std::size_t limit = 0;                           ///< of list: the first so many; 0 for all
};

// Each prints what was asked for, or why it cannot on standard error, and returns an ExitCode:
// 0 done, 1 not known, 64 usage, 69 no daemon, 75 it did not work out.
int show_status(const BookOptions& options);
int list_policies(const BookOptions& options);
int show_domain(const BookOptions& options);
int forget_domain(const BookOptions& options);
int refresh_domain(const BookOptions& options);

}  // namespace tlspolicyd::tool
