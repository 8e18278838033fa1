#include "base/number.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace tlspolicyd::base {

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const Error expected{Fault::invalid,
                       fmt::format("a whole number from {} to {} is expected", least, most)};
  std::uint64_t number = 0;
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return expected;
  if (text.size() > 1 && text.front() == '0') return expected;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || number < least || number > most) return expected;
  return number;
}

}  // namespace tlspolicyd::base
