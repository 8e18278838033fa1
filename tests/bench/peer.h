#pragma once

#include <sys/socket.h>

#include <string>

namespace tlspolicyd::bench {

/// Where the server listens: `inet:HOST:PORT` or `unix:/PATH`, as Postfix writes it.
class Peer {
 public:
  /// Throws std::runtime_error if `text` has neither form.
  explicit Peer(const std::string& text);

  /// A non-blocking socket that is connected or connecting. Throws std::system_error.
  int connect() const;

 private:
  sockaddr_storage address_{};
  socklen_t length_ = 0;
};

}  // namespace tlspolicyd::bench
