#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tool/running_daemon.h"

using namespace tlspolicyd::tool;

/// Whatever a daemon says of itself, there is somewhere to ask it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto daemon =
      parse_running_daemon(std::string_view(reinterpret_cast<const char*>(data), size));
  if (daemon && daemon->mistakes.empty() && daemon->as_it_is().listen.empty()) std::abort();
  return 0;
}
