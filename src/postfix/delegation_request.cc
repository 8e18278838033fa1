#include "postfix/delegation_request.h"

namespace tlspolicyd::postfix {
namespace {

void take(std::string_view& slot, std::string_view value) {
  if (slot.empty()) slot = value;
}

}  // namespace

DelegationRequest read_delegation_request(std::string_view buffer, std::size_t limit) {
  using Status = DelegationRequest::Status;
  DelegationRequest found;
  const auto text = buffer.substr(0, limit);
  for (std::size_t at = 0;;) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) {
      found.status = buffer.size() < limit ? Status::incomplete : Status::malformed;
      return found;
    }
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) {
      found.status = Status::complete;
      found.consumed = at;
      return found;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      found.status = Status::malformed;
      return found;
    }
    const auto name = line.substr(0, equals);
    const auto value = line.substr(equals + 1);
    if (name == "request") take(found.request, value);
    if (name == "protocol_state") take(found.protocol_state, value);
    if (name == "recipient") take(found.recipient, value);
  }
}

}  // namespace tlspolicyd::postfix
