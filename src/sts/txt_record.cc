#include "sts/txt_record.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace tlspolicyd::sts {
namespace {

constexpr std::string_view kVersion = "v=STSv1";
// What RFC 8461 3.1 counts where there are several records: the version and its delimiter at once,
// although the grammar allows blanks between them.
constexpr std::string_view kCandidate = "v=STSv1;";
constexpr std::size_t kMaxId = 32;
constexpr std::size_t kMaxName = 32;

using Verdict = TxtSelection::Verdict;

TxtSelection none(std::string reason) { return {Verdict::none, {}, std::move(reason)}; }
TxtSelection invalid(std::string reason) { return {Verdict::invalid, {}, std::move(reason)}; }

bool is_name_octet(char c) { return base::is_alnum(c) || c == '_' || c == '-' || c == '.'; }

bool is_value_octet(char c) { return base::is_vchar(c) && c != '=' && c != ';'; }

/// Walks over the record from left to right and never beyond its end.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  void skip_blanks() { take_while(base::is_wsp); }

  bool accept(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <class Class>
  std::string_view take_while(Class belongs) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), belongs);
    const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

/// True if the record is of version STSv1, well-formed or not. "v=STSv10" is another version.
bool has_version(std::string_view record) {
  if (!record.starts_with(kVersion)) return false;
  const auto rest = record.substr(kVersion.size());
  return rest.empty() || rest.front() == ';' || !base::is_vchar(rest.front());
}

bool is_id(std::string_view value) {
  return !value.empty() && value.size() <= kMaxId &&
         std::all_of(value.begin(), value.end(), base::is_alnum);
}

bool is_field(std::string_view name, std::string_view value) {
  return !name.empty() && name.size() <= kMaxName && base::is_alnum(name.front()) && !value.empty();
}

TxtSelection parse(std::string_view record) {
  if (record.size() > kMaxTxtRecord) return invalid("the record is longer than 4096 octets");
  Cursor cursor(record.substr(kVersion.size()));
  std::string_view id;
  for (;;) {
    cursor.skip_blanks();
    if (cursor.at_end()) break;
    if (!cursor.accept(';')) return invalid("the record has something other than ; after a field");
    cursor.skip_blanks();
    if (cursor.at_end()) break;
    const auto name = cursor.take_while(is_name_octet);
    const bool has_equals = cursor.accept('=');
    const auto value = cursor.take_while(is_value_octet);
    if (!has_equals || !is_field(name, value))
      return invalid("a field is not of the form name=value");
    if (name != "id" || !id.empty()) continue;
    if (!is_id(value)) return invalid("the id is not 1 to 32 letters and digits");
    id = value;
  }
  if (id.empty()) return invalid("the record has no id");
  return {Verdict::ok, std::string(id), {}};
}

}  // namespace

TxtSelection select_record(std::span<const std::string> records) {
  if (records.empty()) return none("no TXT record");
  const std::string& first = records.front();
  if (std::all_of(records.begin(), records.end(), [&](const auto& r) { return r == first; })) {
    if (!has_version(first)) return none("the TXT record is not of version STSv1");
    return parse(first);
  }
  const std::string* candidate = nullptr;
  for (const auto& record : records) {
    if (!record.starts_with(kCandidate)) continue;
    if (candidate != nullptr && *candidate != record)
      return {Verdict::multiple, {}, "more than one TXT record of version STSv1"};
    candidate = &record;
  }
  if (candidate == nullptr) return none("no TXT record begins with v=STSv1;");
  return parse(*candidate);
}

}  // namespace tlspolicyd::sts
