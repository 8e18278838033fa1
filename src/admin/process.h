#pragma once

#include <cstdint>

namespace tlspolicyd::admin {

/// What the kernel says of this process; zero where it does not say.
struct Process {
  double cpu_seconds = 0;  ///< of all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t most_files = 0;  ///< RLIMIT_NOFILE
};

Process this_process();

}  // namespace tlspolicyd::admin
