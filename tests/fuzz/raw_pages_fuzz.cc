// Database files that a failing disk has damaged in any way: whatever their pages hold, reading
// them ends, and what is found in them has gone through the checksum before it is a row.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/raw_pages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tlspolicyd::store;
  // Beyond some pages nothing new happens.
  constexpr std::size_t kMost = 16384;
  const std::string_view image(reinterpret_cast<const char*>(data), std::min(size, kMost));
  std::size_t found = 0;
  for_each_record(image, [&](const Record& record) {
    ++found;
    if (to_row(record) && record.checksum != checksum_of(record)) std::abort();
  });
  // A cell needs an entry of two octets in its page.
  if (found > image.size() / 2) std::abort();
  return 0;
}
