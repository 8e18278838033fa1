#include "store/word_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/domain_name.h"
#include "store/record.h"

namespace tlspolicyd::store {
namespace {

using base::Error;
using base::Fault;
using base::Result;

constexpr std::size_t kColumns = 10;  // of a row
constexpr std::size_t kForgottenColumns = 3;
constexpr std::string_view kForgotten = "forgotten";
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

Error wrong(std::string_view field) { return {Fault::invalid, fmt::format("wrong {}", field)}; }

using Columns = std::array<std::string_view, kColumns>;

/// How many columns there are; more than fit count as one more than fit.
std::size_t split(std::string_view text, Columns& columns) {
  std::size_t count = 0;
  for (;;) {
    if (count == columns.size()) return count + 1;
    const auto end = text.find('|');
    columns[count++] = text.substr(0, end);
    if (end == std::string_view::npos) return count;
    text.remove_prefix(end + 1);
  }
}

/// A whole number as std::to_chars writes it.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || fmt::format("{}", value) != text)
    return std::nullopt;
  return value;
}

Result<Word> forgotten_word(const Columns& columns) {
  const auto domain = base::DomainName::parse(columns[0]);
  if (!domain || domain->text() != columns[0]) return wrong("domain");
  const auto at = number(columns[2]);
  if (!at || *at < 0 || *at > kLastSecond) return wrong("time");
  return Word{.domain = std::string(columns[0]),
              .row = std::nullopt,
              .forgotten_at = base::WallTime(base::seconds(*at))};
}

}  // namespace

Result<std::string> text_of(const Word& word) {
  if (!word.row)
    return fmt::format("{}|{}|{}", word.domain, kForgotten,
                       word.forgotten_at.time_since_epoch().count());
  auto row = *word.row;
  // The rest of its upkeep is each node's own.
  row.upkeep = {.used_at = row.upkeep.used_at};
  const auto record = to_record(row);
  if (!record) return record.error();
  const auto& r = *record;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", r.domain, r.mode, r.max_age, r.mx,
                     r.line_order, r.id, r.fetched_at, r.expires_at, r.used_at, r.checksum);
}

Result<Word> parse_word(std::string_view text) {
  if (text.size() > kMaxWordText) return wrong("length");
  Columns columns;
  const auto count = split(text, columns);
  if (count == kForgottenColumns && columns[1] == kForgotten) return forgotten_word(columns);
  if (count != kColumns) return wrong("number of columns");
  Record record;
  std::size_t at = 0;
  bool is_right = true;
  const auto take = [&](auto& field) {
    const auto column = columns[at++];
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, std::string>) {
      field = column;
    } else if (const auto value = number(column)) {
      field = *value;
    } else {
      is_right = false;
    }
  };
  take(record.domain), take(record.mode), take(record.max_age), take(record.mx);
  take(record.line_order), take(record.id), take(record.fetched_at), take(record.expires_at);
  take(record.used_at), take(record.checksum);
  if (!is_right) return wrong("number");
  auto row = to_row(record);
  if (!row) return row.error();
  return Word{.domain = record.domain, .row = std::move(*row), .forgotten_at = {}};
}

}  // namespace tlspolicyd::store
