#pragma once

#include <cstddef>
#include <string_view>

namespace tlspolicyd::postfix {

/// What stands at the beginning of a buffer of policy delegation requests (SMTPD_POLICY_README):
/// lines "name=value" and an empty one.
struct DelegationRequest {
  enum class Status {
    complete,    ///< the request is whole; the next one begins after `consumed` bytes
    incomplete,  ///< well-formed so far; more bytes are needed
    malformed    ///< a line without "=", or longer than the limit
  };
  Status status = Status::incomplete;
  std::size_t consumed = 0;
  // Values point into the buffer; "" where the attribute is absent. The first of a name counts.
  std::string_view request{};
  std::string_view protocol_state{};
  std::string_view recipient{};
};

/// Reads the request at the beginning of `buffer`, in place; other attributes are passed over.
/// `limit` is of the whole request, in bytes.
DelegationRequest read_delegation_request(std::string_view buffer, std::size_t limit);

}  // namespace tlspolicyd::postfix
