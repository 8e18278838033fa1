#include "net/trust_stamp.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "net/tls_context.h"

namespace tlspolicyd::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

void TrustStamp::add(const std::string& path) {
  struct stat found {};
  File file{.path = path};
  if (::stat(path.c_str(), &found) == 0) {
    file.device = found.st_dev;
    file.inode = found.st_ino;
    file.size = found.st_size;
    file.changed = found.st_ctim.tv_sec * kSecond + found.st_ctim.tv_nsec;
  }
  files_.push_back(std::move(file));
}

std::optional<TrustStamp> TrustStamp::of(const std::string& ca_file, std::int64_t now) {
  TrustStamp stamp;
  if (!ca_file.empty()) {
    stamp.add(ca_file);
  } else {
    stamp.add(default_trust_file());
    stamp.add(default_trust_directory());
    // What was read of them stays in the store: links, whose targets change without them.
    std::error_code ignored;
    for (std::filesystem::directory_iterator at(default_trust_directory(), ignored), end;
         !ignored && at != end; at.increment(ignored))
      stamp.add(at->path().string());
    std::sort(stamp.files_.begin(), stamp.files_.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
  }
  // The kernel's clock for files ticks every few milliseconds.
  for (const auto& file : stamp.files_)
    if (file.changed > now - kSecond) return std::nullopt;
  return stamp;
}

std::optional<TrustStamp> TrustStamp::of(const std::string& ca_file) {
  using namespace std::chrono;
  return of(ca_file, duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace tlspolicyd::net
