#include "store/raw_pages.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace tlspolicyd::store {
namespace {

constexpr std::size_t kUsualPageSize = 4096;
// A row has at most a policy file's octets of patterns, and a little more.
constexpr std::uint64_t kMaxPayload = 100'000;
constexpr unsigned char kInteriorPage = 2, kLeafPage = 10;  // of an index, as our table is one

/// Reads from the front of some octets; once it has failed, all that follows is zero.
class Cursor {
 public:
  explicit Cursor(std::string_view octets) : rest_(octets) {}

  bool failed() const { return failed_; }

  std::string_view take(std::uint64_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  /// Big-endian, `octets` of it, with sign.
  std::int64_t integer(std::uint64_t octets) {
    std::uint64_t number = 0;
    bool is_first = true;
    for (const char c : take(octets)) {
      if (std::exchange(is_first, false) && (static_cast<unsigned char>(c) & 0x80U) != 0)
        number = ~std::uint64_t{0};
      number = number << 8 | static_cast<unsigned char>(c);
    }
    return static_cast<std::int64_t>(number);
  }
  std::uint64_t natural(unsigned octets) {
    const auto mask = (std::uint64_t{1} << 8 * octets) - 1;
    return static_cast<std::uint64_t>(integer(octets)) & mask;
  }

  std::uint64_t varint() {
    std::uint64_t number = 0;
    for (int i = 0; i < 9; ++i) {
      const auto octet = natural(1);
      if (i == 8) return number << 8 | octet;
      number = number << 7 | (octet & 0x7f);
      if ((octet & 0x80) == 0) break;
    }
    return number;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

/// The values of a record, of which each must have the type of its column.
class RecordReader {
 public:
  explicit RecordReader(std::string_view payload) : types_(payload), values_({}) {
    const auto length = Cursor(payload).varint();
    const auto header = Cursor(payload).take(length);
    values_ = Cursor(payload.substr(header.size()));
    types_ = Cursor(header);
    types_.varint();
    is_wrong_ = header.empty();
  }

  std::string text() {
    const auto type = types_.varint();
    if (type < 13 || type % 2 == 0) is_wrong_ = true;
    return is_wrong_ ? std::string() : std::string(values_.take((type - 13) / 2));
  }

  std::int64_t integer() {
    const auto type = types_.varint();
    switch (type) {
      case 1:
      case 2:
      case 3:
      case 4: return values_.integer(type);
      case 5: return values_.integer(6);
      case 6: return values_.integer(8);
      case 8: return 0;
      case 9: return 1;
      default: is_wrong_ = true; return 0;
    }
  }

  bool is_good() const { return !is_wrong_ && !types_.failed() && !values_.failed(); }

 private:
  Cursor types_;
  Cursor values_;
  bool is_wrong_ = false;
};

class Pages {
 public:
  explicit Pages(std::string_view image) : image_(image), page_size_(page_size_of(image)) {}

  void for_each_cell(const std::function<void(std::string_view payload)>& found) const {
    for (std::uint64_t number = 2; !page(number).empty(); ++number) {
      const auto octets = page(number);
      const auto type = static_cast<unsigned char>(octets[0]);
      if (type != kLeafPage && type != kInteriorPage) continue;
      Cursor header(octets);
      header.take(3);
      const auto count = header.natural(2);
      header.take(type == kLeafPage ? 3 : 7);
      for (std::uint64_t i = 0; i < count && !header.failed(); ++i) {
        const auto place = std::min<std::uint64_t>(header.natural(2), octets.size());
        Cursor cell(octets.substr(place));
        if (type == kInteriorPage) cell.take(4);
        if (const auto payload = payload_of(cell); !payload.empty()) found(payload);
      }
    }
  }

 private:
  static std::size_t page_size_of(std::string_view image) {
    Cursor header(image);
    header.take(16);
    const auto size = header.natural(2);
    const bool is_size = size >= 512 && size <= 32768 && (size & (size - 1)) == 0;
    return is_size ? size : kUsualPageSize;
  }

  /// Counted from 1; empty beyond the end.
  std::string_view page(std::uint64_t number) const {
    if (number == 0 || number > image_.size() / page_size_) return {};
    return image_.substr((number - 1) * page_size_, page_size_);
  }

  /// What of so long a payload is in the cell itself, the rest being in overflow pages.
  std::uint64_t local_size(std::uint64_t length) const {
    const auto most = (page_size_ - 12) * 64 / 255 - 23;
    const auto least = (page_size_ - 12) * 32 / 255 - 23;
    if (length <= most) return length;
    const auto fitting = least + (length - least) % (page_size_ - 4);
    return fitting <= most ? fitting : least;
  }

  /// Empty if it is not whole.
  std::string payload_of(Cursor& cell) const {
    const auto length = cell.varint();
    if (cell.failed() || length > kMaxPayload) return {};
    std::string payload(cell.take(local_size(length)));
    if (payload.size() == length) return payload;
    auto next = cell.natural(4);
    while (!cell.failed() && payload.size() < length) {
      Cursor overflow(page(next));
      next = overflow.natural(4);
      const auto part = std::min<std::uint64_t>(length - payload.size(), page_size_ - 4);
      payload += overflow.take(part);
      if (overflow.failed()) return {};
    }
    return payload;
  }

  std::string_view image_;
  std::size_t page_size_;
};

}  // namespace

void for_each_record(std::string_view image, const std::function<void(const Record&)>& found) {
  Pages(image).for_each_cell([&](std::string_view payload) {
    RecordReader reader(payload);
    Record record;
    record.domain = reader.text();
    record.mode = reader.text();
    record.max_age = reader.integer();
    record.mx = reader.text();
    record.line_order = reader.text();
    record.id = reader.text();
    for (auto* number :
         {&record.fetched_at, &record.expires_at, &record.used_at, &record.confirmed_at,
          &record.tried_at, &record.lapsed_at, &record.failures, &record.checksum})
      *number = reader.integer();
    if (reader.is_good()) found(record);
  });
}

}  // namespace tlspolicyd::store
