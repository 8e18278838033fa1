#include "store/salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "store/policy_table.h"

namespace tlspolicyd::store {
namespace {

// Each reads at least a path from the root; bounds the time spent on what is torn to pieces.
constexpr int kMaxScans = 8192;

/// The keys from `begin` up to, not including, `end`.
struct Range {
  std::string begin;
  std::string end;
};

/// The first eight octets as a number that orders as they do.
std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i)
    head = head << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
  return head;
}

/// A key about half way through the range; nothing if it is too narrow.
std::optional<std::string> middle_of(const Range& range) {
  const auto differ =
      std::mismatch(range.begin.begin(), range.begin.end(), range.end.begin(), range.end.end());
  const auto common = static_cast<std::size_t>(differ.first - range.begin.begin());
  const auto low = head_of(std::string_view(range.begin).substr(common));
  const auto high = head_of(std::string_view(range.end).substr(common));
  if (high - low < 2) return std::nullopt;
  auto middle = range.begin.substr(0, common);
  for (unsigned shift = 64; shift > 0; shift -= 8)
    middle += static_cast<char>((low + (high - low) / 2) >> (shift - 8) & 0xff);
  return middle;
}

/// Reads the table from both ends towards its damaged parts, and from the middle of what then is
/// left again, so that each damaged page hides little more than itself.
class Salvage {
 public:
  Failure open(const std::string& path, base::milliseconds patience) {
    if (auto failure = connection_.open(path, patience)) return failure;
    // With a writable schema SQLite also reads a file that is shorter than its header says.
    if (auto failure = connection_.run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;"
                                       "PRAGMA cell_size_check=ON; PRAGMA writable_schema=ON;"
                                       "PRAGMA query_only=ON"))
      return failure;
    const auto select = fmt::format(
        "SELECT {} FROM policy WHERE domain >= ?1 AND domain < ?2 ORDER BY domain ", kColumns);
    const auto all = fmt::format("SELECT {} FROM policy ORDER BY domain ", kColumns);
    if (auto failure = all_up_.prepare(connection_, all + "ASC")) return failure;
    if (auto failure = all_down_.prepare(connection_, all + "DESC")) return failure;
    if (auto failure = up_.prepare(connection_, select + "ASC")) return failure;
    return down_.prepare(connection_, select + "DESC");
  }

  void read() {
    // Whole first: where keys are out of order, a range ends too early.
    if (scan_all(all_up_)) return;
    scan_all(all_down_);
    read_ranges();
  }

  void close() {
    for (auto* statement : {&all_up_, &all_down_, &up_, &down_}) statement->finish();
    connection_.close_untouched();
  }

  void give(Reading& reading) {
    for (auto& [domain, row] : rows_) reading.rows.push_back(std::move(row));
    for (const auto& [domain, why] : bad_)
      if (!rows_.contains(domain)) reading.bad.push_back(base::printable(domain, 80) + ": " + why);
  }

 private:
  void read_ranges() {
    // Breadth first: if the scans do not suffice, they were spread evenly.
    std::deque<Range> ranges{{std::string(), "\xff"}};
    for (; !ranges.empty() && scans_ < kMaxScans; ranges.pop_front()) {
      auto& range = ranges.front();
      std::string last;
      if (scan(up_, range, last)) continue;
      if (!last.empty()) range.begin = std::move(last) + '\0';
      last.clear();
      if (scan(down_, range, last)) continue;
      if (!last.empty()) range.end = std::move(last);
      if (range.begin >= range.end) continue;
      if (const auto middle = middle_of(range)) {
        ranges.push_back({range.begin, *middle});
        ranges.push_back({*middle, range.end});
      }
    }
  }

  /// True if nothing stood in the way; `last` gets the last key that was reached.
  bool scan(Statement& statement, const Range& range, std::string& last) {
    ++scans_;
    statement.bind(1, range.begin);
    statement.bind(2, range.end);
    auto step = statement.step();
    for (; step == Statement::Step::row; step = statement.step()) {
      last = statement.text(0);
      take(record_in(statement));
    }
    statement.reset();
    return step == Statement::Step::done;
  }

  bool scan_all(Statement& statement) {
    auto step = statement.step();
    for (; step == Statement::Step::row; step = statement.step()) take(record_in(statement));
    statement.reset();
    return step == Statement::Step::done;
  }

  void take(const Record& record) {
    auto row = to_row(record);
    if (!row) {
      bad_.emplace(record.domain, row.error().text);
      return;
    }
    const auto [known, is_new] = rows_.try_emplace(record.domain, *row);
    if (!is_new && known->second.policy->fetched_at < row->policy->fetched_at) known->second = *row;
  }

  Connection connection_;
  Statement all_up_, all_down_, up_, down_;
  int scans_ = 0;
  std::map<std::string, Row> rows_;
  std::map<std::string, std::string> bad_;
};

}  // namespace

Failure salvage(const std::string& path, base::milliseconds patience, Reading& reading) {
  Salvage work;
  if (auto failure = work.open(path, patience)) {
    work.close();
    return failure;
  }
  work.read();
  work.close();
  work.give(reading);
  return std::nullopt;
}

}  // namespace tlspolicyd::store
