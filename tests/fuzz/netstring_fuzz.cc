#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "postfix/netstring.h"

using namespace tlspolicyd::postfix;

/// A netstring is read the same from the whole buffer as from any beginning that holds it; one that
/// was read is what writing its payload gives; nothing malformed becomes whole by further bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view buffer(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMost = 300;
  const auto read = read_netstring(buffer, kMost);
  if (read.status == Netstring::Status::complete) {
    std::string again;
    append_netstring(again, read.payload);
    if (again != buffer.substr(0, read.consumed) || read.payload.size() > kMost) std::abort();
  }
  for (std::size_t length = 0; length < size && length < 400; ++length) {
    const auto part = read_netstring(buffer.substr(0, length), kMost);
    if (part.status == Netstring::Status::malformed && read.status != Netstring::Status::malformed)
      std::abort();
    if (part.status == Netstring::Status::complete && part.consumed != read.consumed) std::abort();
  }
  return 0;
}
