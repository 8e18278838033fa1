#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "postfix/delegation_request.h"

using namespace tlspolicyd::postfix;

namespace {

bool lies_in(std::string_view value, std::string_view buffer) {
  return value.empty() || (value.data() >= buffer.data() &&
                           value.data() + value.size() <= buffer.data() + buffer.size());
}

}  // namespace

/// A request is read the same from the whole buffer as from any beginning that holds it; its values
/// lie in it and have no line ends; nothing malformed becomes whole by further bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Status = DelegationRequest::Status;
  const std::string_view buffer(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMost = 300;
  const auto read = read_delegation_request(buffer, kMost);
  for (const auto value : {read.request, read.protocol_state, read.recipient})
    if (!lies_in(value, buffer) || value.find('\n') != std::string_view::npos) std::abort();
  if (read.status == Status::complete &&
      (read.consumed > kMost || buffer[read.consumed - 1] != '\n'))
    std::abort();
  for (std::size_t length = 0; length < size && length < 400; ++length) {
    const auto part = read_delegation_request(buffer.substr(0, length), kMost);
    if (part.status == Status::malformed && read.status != Status::malformed) std::abort();
    if (part.status == Status::complete && part.consumed != read.consumed) std::abort();
  }
  return 0;
}
