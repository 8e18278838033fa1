// TXT records from the DNS: the selection never depends on the order of the records, and an id is
// always one that could be written back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "sts/txt_record.h"

namespace {

using tlspolicyd::sts::select_record;
using Verdict = tlspolicyd::sts::TxtSelection::Verdict;

void require(bool holds) {
  if (!holds) std::abort();
}

// The input holds the records, each after a 0x1e octet but the first.
std::vector<std::string> split(std::string_view input) {
  std::vector<std::string> records;
  while (true) {
    const auto end = input.find('\x1e');
    records.emplace_back(input.substr(0, end));
    if (end == std::string_view::npos) return records;
    input.remove_prefix(end + 1);
  }
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 32 &&
         std::all_of(id.begin(), id.end(), tlspolicyd::base::is_alnum);
}

bool is_reason(std::string_view reason) {
  return reason.size() <= 200 && tlspolicyd::base::is_printable(reason);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto records = split({reinterpret_cast<const char*>(data), size});
  const auto selected = select_record(records);
  require(is_reason(selected.reason));
  const bool ok = selected.verdict == Verdict::ok;
  require(ok == selected.reason.empty());
  require(ok ? is_id(selected.id) : selected.id.empty());

  std::reverse(records.begin(), records.end());
  const auto reversed = select_record(records);
  require(reversed.verdict == selected.verdict && reversed.id == selected.id);

  // A record of another kind beside it changes nothing, as long as the version's delimiter is
  // there.
  const bool strict = std::any_of(records.begin(), records.end(),
                                  [](const auto& r) { return r.starts_with("v=STSv1;"); });
  records.emplace_back("v=spf1 -all");
  const auto beside = select_record(records);
  if (strict) require(beside.verdict == selected.verdict && beside.id == selected.id);
  if (ok && records.size() == 2) {
    const auto written = select_record(std::vector<std::string>{"v=STSv1; id=" + selected.id});
    require(written == selected);
  }
  return 0;
}
