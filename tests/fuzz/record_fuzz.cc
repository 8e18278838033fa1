// Records from the cache file, which a failing disk may have damaged in any way: what reads as a
// row is written back as the same record, so that nothing half-read is ever applied.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "store/record.h"

namespace {

using namespace tlspolicyd;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes fields off the input: texts up to a 0x1e octet, numbers of eight octets.
class Fields {
 public:
  explicit Fields(std::string_view input) : input_(input) {}

  std::string text() {
    const auto end = input_.find('\x1e');
    std::string taken(input_.substr(0, end));
    input_.remove_prefix(end == std::string_view::npos ? input_.size() : end + 1);
    return taken;
  }
  std::int64_t number() {
    std::int64_t taken = 0;
    const auto size = std::min(input_.size(), sizeof taken);
    std::memcpy(&taken, input_.data(), size);
    input_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view input_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fields fields({reinterpret_cast<const char*>(data), size});
  store::Record record;
  for (auto* text : {&record.domain, &record.mode, &record.mx, &record.line_order, &record.id})
    *text = fields.text();
  for (auto* number : {&record.max_age, &record.fetched_at, &record.expires_at, &record.used_at,
                       &record.confirmed_at, &record.tried_at, &record.lapsed_at, &record.failures})
    *number = fields.number();
  record.checksum = store::checksum_of(record);
  const auto row = store::to_row(record);
  if (row) {
    const auto again = store::to_record(*row);
    require(again.ok() && *again == record);
  } else {
    require(!row.error().text.empty());
  }
  record.checksum ^= 1;
  require(!store::to_row(record).ok());
  return 0;
}
