#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tool/admin_client.h"

using namespace tlspolicyd::tool;

/// The body of a reply is the end of what came, and no beginning of it is a reply.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto reply = parse_admin_reply(bytes);
  if (!reply) return 0;
  if (reply->status < 100 || reply->status > 599 || !bytes.ends_with(reply->body)) std::abort();
  for (std::size_t length = 0; length < size; ++length)
    if (parse_admin_reply(bytes.substr(0, length))) std::abort();
  return 0;
}
