#include "admin/process.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace tlspolicyd::admin {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// proc(5), /proc/pid/statm: size and resident set, in pages.
std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_files() {
  constexpr const char* kDirectory = "/proc/self/fd";
  // Since Linux 6.2 the kernel has counted them already.
  struct stat status {};
  if (stat(kDirectory, &status) == 0 && status.st_size > 0)
    return static_cast<std::uint64_t>(status.st_size);
  std::error_code none;
  const auto count = std::distance(std::filesystem::directory_iterator(kDirectory, none), {});
  return count > 0 ? static_cast<std::uint64_t>(count) - 1 : 0;  // but for the directory itself
}

std::uint64_t most_files() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

Process this_process() {
  return {.cpu_seconds = cpu_seconds(),
          .resident_bytes = resident_bytes(),
          .open_files = open_files(),
          .most_files = most_files()};
}

}  // namespace tlspolicyd::admin
