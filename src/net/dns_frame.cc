#include "net/dns_frame.h"

#include <ldns/ldns.h>

#include <array>

#include "base/ascii.h"

namespace tlspolicyd::net {
namespace {

// A name has at most 127 labels, so a sound name needs no more pointers than that.
constexpr unsigned kMaxPointers = 127;
constexpr std::uint8_t kPointerBits = 0xc0;
constexpr std::size_t kFixedPart = 10;  // TYPE, CLASS, TTL, RDLENGTH
constexpr std::size_t kLeastRecord = 1 + kFixedPart;

// Hands each label to `on_label`, without its length, and returns what end_of_name() does. Of a
// name that is not sound the first labels are handed over as well.
template <class OnLabel>
std::optional<std::size_t> read_name(WireMessage message, std::size_t at, OnLabel on_label) {
  std::optional<std::size_t> end;
  unsigned pointers = 0;
  std::size_t octets = 1;  // the root
  while (at < message.size()) {
    const std::uint8_t length = message[at];
    if (length == 0) return end ? end : at + 1;
    if ((length & kPointerBits) == kPointerBits) {
      if (at + 1 >= message.size() || ++pointers > kMaxPointers) return std::nullopt;
      if (!end) end = at + 2;
      const std::size_t target = (length & 0x3fU) << 8U | message[at + 1];
      if (target >= at) return std::nullopt;
      at = target;
    } else if ((length & kPointerBits) != 0) {
      return std::nullopt;
    } else {
      octets += 1U + length;
      if (octets > kMaxWireName || message.size() - at <= length) return std::nullopt;
      on_label(message.subspan(at + 1, length));
      at += 1U + length;
    }
  }
  return std::nullopt;
}

std::optional<RecordFrame> frame_at(WireMessage message, std::size_t at) {
  const auto fixed = end_of_name(message, at);
  if (!fixed || message.size() - *fixed < kFixedPart) return std::nullopt;
  const auto* field = message.data() + *fixed;
  RecordFrame frame{.type = ldns_read_uint16(field),
                    .record_class = ldns_read_uint16(field + 2),
                    .ttl = ldns_read_uint32(field + 4),
                    .owner = at,
                    .rdata = *fixed + kFixedPart,
                    .rdlength = ldns_read_uint16(field + 8)};
  if (message.size() - frame.rdata < frame.rdlength) return std::nullopt;
  return frame;
}

}  // namespace

std::optional<std::size_t> end_of_name(WireMessage message, std::size_t at) {
  return read_name(message, at, [](WireMessage) {});
}

std::optional<std::string> canonical_name_at(WireMessage message, std::size_t at) {
  std::string name;
  const auto end = read_name(message, at, [&name](WireMessage label) {
    name.push_back(static_cast<char>(label.size()));
    for (const auto octet : label) name.push_back(base::to_lower(static_cast<char>(octet)));
  });
  if (!end) return std::nullopt;
  name.push_back('\0');
  return name;
}

bool has_plausible_counts(WireMessage message, std::size_t first) {
  const auto* header = message.data();
  const std::size_t total =
      std::size_t{LDNS_ANCOUNT(header)} + LDNS_NSCOUNT(header) + LDNS_ARCOUNT(header);
  return total <= (message.size() - first) / kLeastRecord;
}

std::optional<std::vector<RecordFrame>> split_records(WireMessage message, std::size_t first) {
  using Section = RecordFrame::Section;
  const auto* header = message.data();
  const std::array counts{std::pair{Section::answer, LDNS_ANCOUNT(header)},
                          std::pair{Section::authority, LDNS_NSCOUNT(header)},
                          std::pair{Section::additional, LDNS_ARCOUNT(header)}};
  std::vector<RecordFrame> frames;
  for (const auto& [section, count] : counts) {
    for (unsigned i = 0; i < count; ++i) {
      auto frame = frame_at(message, first);
      if (!frame) return std::nullopt;
      frame->section = section;
      first = frame->rdata + frame->rdlength;
      frames.push_back(*frame);
    }
  }
  return frames;
}

}  // namespace tlspolicyd::net
