#include "sts/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"

namespace tlspolicyd::sts {
namespace {

struct Range {
  std::uint8_t low, high;
  bool holds(std::uint8_t octet) const { return octet >= low && octet <= high; }
};

/// One line of the table in RFC 3629 4: the first octet, the second, and how many tails follow.
struct Form {
  Range first, second;
  std::size_t tails;
};

constexpr Range kTail{0x80, 0xbf};
constexpr Form kForms[] = {
    {{0xc2, 0xdf}, kTail, 0}, {{0xe0, 0xe0}, {0xa0, 0xbf}, 1},
    {{0xe1, 0xec}, kTail, 1}, {{0xed, 0xed}, {0x80, 0x9f}, 1},
    {{0xee, 0xef}, kTail, 1}, {{0xf0, 0xf0}, {0x90, 0xbf}, 2},
    {{0xf1, 0xf3}, kTail, 2}, {{0xf4, 0xf4}, {0x80, 0x8f}, 2},
};

std::uint8_t octet_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

/// The octets of the character that `text` begins with; 0 if it is malformed.
std::size_t first_length(std::string_view text) {
  const auto first = octet_at(text, 0);
  if (first < 0x80) return 1;
  for (const auto& form : kForms) {
    if (!form.first.holds(first)) continue;
    const std::size_t length = 2 + form.tails;
    if (text.size() < length || !form.second.holds(octet_at(text, 1))) return 0;
    for (std::size_t i = 2; i < length; ++i)
      if (!kTail.holds(octet_at(text, i))) return 0;
    return length;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = first_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return base::is_ascii(c); });
}

}  // namespace tlspolicyd::sts
