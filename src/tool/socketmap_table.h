#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/listen_address.h"

/// How main.cf names the daemon (socketmap_table(5)).
namespace tlspolicyd::tool {

/// A table of main.cf that is a socketmap.
struct SocketmapTable {
  std::string endpoint;  ///< "inet:127.0.0.1:8461", "unix:tlspolicyd/socketmap"
  std::string map;
  std::string text() const { return "socketmap:" + endpoint + ":" + map; }
  bool operator==(const SocketmapTable&) const = default;
};

/// Reads "socketmap:ENDPOINT:MAP", also below "proxy:". Nothing if it is another table.
std::optional<SocketmapTable> parse_socketmap_table(std::string_view table);

/// The address that a client connects to: that of the own machine where all are listened on.
net::ListenAddress reachable(net::ListenAddress listen);

/// Where the daemon listens, seen from Postfix.
class DaemonEndpoints {
 public:
  /// `listen` is that of the daemon's configuration, not empty; `queue_directory` is Postfix's.
  DaemonEndpoints(std::vector<net::ListenAddress> listen, std::string queue_directory)
      : listen_(std::move(listen)), queue_directory_(std::move(queue_directory)) {}

  struct Choice {
    std::string text;           ///< as main.cf names it
    net::ListenAddress listen;  ///< as the configuration does
    bool chroot_hides = false;  ///< a smtp(8) that runs chrooted cannot reach it
  };
  /// The first unix socket below the queue directory, relative to it, so that it is found with
  /// chroot and without; else the first TCP port; else the first unix socket (postfix.md 1.6).
  Choice choice() const;

  /// True if main.cf means this daemon by `endpoint`.
  bool contain(std::string_view endpoint) const;

 private:
  std::vector<net::ListenAddress> listen_;
  std::string queue_directory_;
};

}  // namespace tlspolicyd::tool
