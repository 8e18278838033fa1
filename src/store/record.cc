#include "store/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/domain_name.h"
#include "base/log.h"
#include "sts/policy_file.h"

namespace tlspolicyd::store {
namespace {

constexpr std::size_t kMaxId = 32;
constexpr std::int64_t kLastSecond = 253402300799;  // of the year 9999

class Fnv1a {
 public:
  void add(std::string_view text) {
    // With its length before it, no octet can pass from one field to the next.
    add(static_cast<std::int64_t>(text.size()));
    for (char c : text) add_octet(static_cast<unsigned char>(c));
  }
  void add(std::int64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      add_octet(static_cast<unsigned char>(static_cast<std::uint64_t>(number) >> shift));
  }
  std::int64_t sum() const { return static_cast<std::int64_t>(sum_); }

 private:
  void add_octet(unsigned char octet) { sum_ = (sum_ ^ octet) * 0x100000001b3; }
  std::uint64_t sum_ = 0xcbf29ce484222325;
};

base::Error wrong(std::string_view field) {
  return {base::Fault::invalid, fmt::format("wrong {}", field)};
}

std::string joined(const std::vector<sts::MxPattern>& patterns) {
  std::string text;
  for (const auto& pattern : patterns) {
    if (!text.empty()) text += ' ';
    text += pattern.text();
  }
  return text;
}

/// False if it is not what joined() writes.
bool split_mx(std::string_view text, std::vector<sts::MxPattern>& patterns) {
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    auto pattern = sts::MxPattern::parse(word);
    if (!pattern || pattern->text() != word || patterns.size() == sts::kMaxPatterns) return false;
    patterns.push_back(std::move(*pattern));
    if (word.size() == text.size()) return true;
    text.remove_prefix(word.size() + 1);
    if (text.empty()) return false;
  }
  return true;
}

/// One letter for each of the three keys and an x for each pattern, see sts::Policy.
bool is_line_order(std::string_view letters, std::size_t patterns) {
  const auto count = [&](char letter) {
    return std::count(letters.begin(), letters.end(), letter);
  };
  return letters.size() == patterns + 3 && count('v') == 1 && count('m') == 1 && count('a') == 1 &&
         static_cast<std::size_t>(count('x')) == patterns;
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), base::is_alnum);
}

bool is_domain(const std::string& text) {
  const auto name = base::DomainName::parse(text);
  return name && name->text() == text;
}

/// False if the policy is not one that sts::parse_policy could have given.
bool read_policy(const Record& record, sts::Policy& policy, std::string_view& field) {
  const auto mode = sts::mode_of(record.mode);
  field = "mode";
  if (!mode) return false;
  field = "max_age";
  if (record.max_age < 0 || record.max_age > sts::kMaxMaxAge.count()) return false;
  field = "mx";
  if (!split_mx(record.mx, policy.mx)) return false;
  if (policy.mx.empty() && *mode != sts::Mode::none) return false;
  field = "line_order";
  if (!is_line_order(record.line_order, policy.mx.size())) return false;
  policy.mode = *mode;
  policy.max_age = std::chrono::seconds(record.max_age);
  policy.line_order = record.line_order;
  return true;
}

std::int64_t to_seconds(base::WallTime time) { return time.time_since_epoch().count(); }
base::WallTime to_time(std::int64_t seconds) { return base::WallTime(base::seconds(seconds)); }

}  // namespace

std::int64_t checksum_of(const Record& record) {
  Fnv1a hash;
  for (const auto* text : {&record.domain, &record.mode}) hash.add(*text);
  hash.add(record.max_age);
  for (const auto* text : {&record.mx, &record.line_order, &record.id}) hash.add(*text);
  for (const auto number :
       {record.fetched_at, record.expires_at, record.used_at, record.confirmed_at, record.tried_at,
        record.lapsed_at, record.failures})
    hash.add(number);
  return hash.sum();
}

base::Result<Record> to_record(const Row& row) {
  if (!row.policy)
    return base::Error{base::Fault::system, "row of " + base::printable(row.domain) + " is empty"};
  const auto& stored = *row.policy;
  Record record{.domain = row.domain,
                .mode = std::string(sts::name_of(stored.policy.mode)),
                .max_age = stored.policy.max_age.count(),
                .mx = joined(stored.policy.mx),
                .line_order = stored.policy.line_order,
                .id = stored.id,
                .fetched_at = to_seconds(stored.fetched_at),
                .expires_at = to_seconds(stored.expires_at),
                .used_at = to_seconds(row.upkeep.used_at),
                .confirmed_at = to_seconds(row.upkeep.confirmed_at),
                .tried_at = to_seconds(row.upkeep.tried_at),
                .lapsed_at = to_seconds(row.upkeep.lapsed_at),
                .failures = row.upkeep.failures};
  record.checksum = checksum_of(record);
  // Whatever could not be loaded again must not be called durable.
  if (const auto back = to_row(record); !back)
    return base::Error{base::Fault::system,
                       fmt::format("row of {} cannot be stored: {}", base::printable(row.domain),
                                   back.error().text)};
  return record;
}

base::Result<Row> to_row(const Record& record) {
  if (record.checksum != checksum_of(record)) return wrong("checksum");
  if (!is_domain(record.domain)) return wrong("domain");
  if (!is_id(record.id)) return wrong("id");
  for (const auto time : {record.fetched_at, record.expires_at, record.used_at, record.confirmed_at,
                          record.tried_at, record.lapsed_at})
    if (time < 0 || time > kLastSecond) return wrong("time");
  if (record.failures < 0 || record.failures > std::numeric_limits<std::uint32_t>::max())
    return wrong("failures");
  auto stored = std::make_shared<sts::StoredPolicy>();
  std::string_view field;
  if (!read_policy(record, stored->policy, field)) return wrong(field);
  stored->id = record.id;
  stored->fetched_at = to_time(record.fetched_at);
  stored->expires_at = to_time(record.expires_at);
  return Row{.domain = record.domain,
             .policy = std::move(stored),
             .upkeep = {.used_at = to_time(record.used_at),
                        .confirmed_at = to_time(record.confirmed_at),
                        .tried_at = to_time(record.tried_at),
                        .lapsed_at = to_time(record.lapsed_at),
                        .failures = static_cast<std::uint32_t>(record.failures)}};
}

base::Result<std::vector<RecordChange>> to_records(const std::vector<Change>& changes) {
  std::vector<RecordChange> records;
  records.reserve(changes.size());
  for (const auto& change : changes) {
    if (!change.row) {
      records.push_back({change.domain, std::nullopt});
      continue;
    }
    if (change.row->domain != change.domain)
      return base::Error{base::Fault::system,
                         fmt::format("row of {} given for {}", base::printable(change.row->domain),
                                     base::printable(change.domain))};
    auto record = to_record(*change.row);
    if (!record) return record.error();
    records.push_back({change.domain, std::move(*record)});
  }
  return records;
}

}  // namespace tlspolicyd::store
