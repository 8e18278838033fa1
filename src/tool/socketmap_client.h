#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/listen_address.h"
#include "tool/connection.h"

namespace tlspolicyd::tool {

/// A socketmap client as Postfix is one (socketmap_table(5)): one connection, one request at a
/// time, blocking, for a limited time at each step.
class SocketmapClient {
 public:
  /// Connects. Error: Fault::connect with a text that names the endpoint.
  static base::Result<SocketmapClient> connect(const net::ListenAddress& server,
                                               base::seconds patience = kPatienceOfPostfix);

  /// Asks for `key` in `map`; the reply's payload, e.g. "NOTFOUND ". Error: Fault::connect if the
  /// connection breaks or is silent, Fault::invalid for what is no netstring.
  base::Result<std::string> ask(std::string_view map, std::string_view key);

 private:
  SocketmapClient(net::FileDescriptor socket, std::string name)
      : socket_(std::move(socket)), name_(std::move(name)) {}
  net::FileDescriptor socket_;
  std::string name_;
};

}  // namespace tlspolicyd::tool
