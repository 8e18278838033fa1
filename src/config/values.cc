#include "config/values.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/number.h"

namespace tlspolicyd::config {

using base::Error;
using base::Fault;

namespace {

// A year; longer is a typing mistake, and the product stays far from overflow.
constexpr std::uint64_t kMaxDurationMs = 366ULL * 86'400'000ULL;

// A word that is farther from every known one than this, or than half of itself, was not meant to
// be one of them.
constexpr std::size_t kNearest = 3;

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};
constexpr Unit kUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

// Far beyond what a machine has, and far from overflow.
constexpr std::uint64_t kMaxSize = 1ULL << 50;

constexpr std::pair<std::string_view, std::uint64_t> kSizes[] = {
    {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}};

}  // namespace

base::Result<base::milliseconds> parse_duration(std::string_view text) {
  const Error expected{Fault::invalid,
                       "a duration is a number with a unit: 500ms, 10s, 5m, 24h, 180d"};
  const auto unit_at = static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), base::is_digit) - text.begin());
  const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& known) {
    return known.name == text.substr(unit_at);
  });
  if (unit == std::end(kUnits)) return expected;
  const auto number =
      base::parse_number(text.substr(0, unit_at), 0, kMaxDurationMs / unit->milliseconds);
  if (!number) return expected;
  if (*number == 0) return Error{Fault::invalid, "a duration must be greater than zero"};
  return base::milliseconds(static_cast<std::int64_t>(*number * unit->milliseconds));
}

base::Result<int> parse_percent(std::string_view text) {
  if (text.ends_with('%'))
    if (const auto number = base::parse_number(text.substr(0, text.size() - 1), 0, 50))
      return static_cast<int>(*number);
  return Error{Fault::invalid, "from 0% to 50% is expected"};
}

base::Result<std::size_t> parse_size(std::string_view text) {
  for (const auto& [unit, size] : kSizes) {
    if (!text.ends_with(unit)) continue;
    const auto number =
        base::parse_number(text.substr(0, text.size() - unit.size()), 1, kMaxSize / size);
    if (number) return static_cast<std::size_t>(*number * size);
  }
  return Error{Fault::invalid, "expected a number and a unit: 512KiB, 256MiB, 2GiB"};
}

base::Result<std::uint32_t> parse_file_mode(std::string_view text) {
  std::uint32_t mode = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.empty() || status != std::errc() || end != text.data() + text.size() || mode > 0777)
    return Error{Fault::invalid, "a file mode is octal, such as 0660"};
  return mode;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = a[i - 1] == b[j - 1] ? diagonal : 1 + std::min({diagonal, above, row[j - 1]});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest_word(std::string_view wrong, const std::vector<std::string>& words) {
  const auto best = std::min_element(words.begin(), words.end(), [&](const auto& a, const auto& b) {
    return edit_distance(wrong, a) < edit_distance(wrong, b);
  });
  const auto farthest = std::min(kNearest, std::max<std::size_t>(wrong.size() / 2, 1));
  return best == words.end() || edit_distance(wrong, *best) > farthest ? std::string() : *best;
}

}  // namespace tlspolicyd::config
