#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <variant>

#include "base/address.h"
#include "base/result.h"

namespace tlspolicyd::net {

/// A unix socket to be made: where, who may connect.
struct UnixAddress {
  std::string path;
  mode_t mode = 0660;
  std::string group;  ///< name of the group it is given to; "" leaves it
  bool operator==(const UnixAddress&) const = default;
};

/// Where to listen or connect, as Postfix writes it.
using ListenAddress = std::variant<base::Endpoint, UnixAddress>;

/// Reads "inet:HOST:PORT", "inet:[V6]:PORT" or "unix:/PATH". HOST is an IPv4 address or "localhost"
/// (127.0.0.1); names are not looked up. Error: Fault::invalid.
base::Result<ListenAddress> parse_listen_address(std::string_view text);

/// The address in the same form.
std::string text_of(const ListenAddress& address);

}  // namespace tlspolicyd::net
