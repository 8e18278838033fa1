#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tlspolicyd::postfix {

/// What stands at the beginning of a buffer of netstrings ("5:hello,").
struct Netstring {
  enum class Status {
    complete,    ///< `payload` is whole; the next netstring begins after `consumed` bytes
    incomplete,  ///< well-formed so far; more bytes are needed
    malformed    ///< can never become a netstring within the limit
  };
  Status status;
  std::string_view payload{};  ///< points into the buffer
  std::size_t consumed = 0;
};

/// Reads the netstring at the beginning of `buffer`, in place. The length is checked against
/// `max_payload` bytes before any of it is waited for; a length with leading zeros is malformed.
Netstring read_netstring(std::string_view buffer, std::size_t max_payload);

/// Appends `payload` as a netstring to `out`.
void append_netstring(std::string& out, std::string_view payload);

}  // namespace tlspolicyd::postfix
