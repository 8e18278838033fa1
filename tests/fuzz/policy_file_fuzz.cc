// Policy files from strangers' web servers: a parsed policy keeps within its limits and, written
// anew, parses to an equal one, and so it does from the disk; an error is short and printable.
// Blanks before each line change nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/domain_name.h"
#include "store/record.h"
#include "sts/policy_file.h"

namespace {

using namespace tlspolicyd;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_pattern(const sts::MxPattern& pattern) {
  const auto& text = pattern.text();
  const auto again = sts::MxPattern::parse(text);
  require(again.ok() && *again == pattern);
  // What Postfix could take for syntax never gets here (threat A-15).
  require(base::is_printable(text) && text.find_first_of(" ,:;={}[]_/\\\"") == std::string::npos);
  if (!pattern.is_matchable()) {
    require(!pattern.matches(text));
    return;
  }
  const auto host = pattern.is_wildcard() ? "m" + text.substr(1) : text;
  require(base::DomainName::parse(host).ok());
  require(pattern.matches(host));
  require(!pattern.matches("m." + host));
  require(!pattern.is_wildcard() || !pattern.matches(text.substr(2)));
}

/// Every policy that was fetched can be kept: it comes back from the disk as an equal one.
void check_storable(const sts::Policy& policy) {
  const auto stored = sts::renewal({}, "1", policy, base::WallTime(std::chrono::seconds(1)));
  const store::Row row{"example.org", std::make_shared<const sts::StoredPolicy>(stored), {}};
  const auto record = store::to_record(row);
  require(record.ok());
  const auto back = store::to_row(*record);
  require(back.ok() && *back->policy == stored);
}

void check_policy(const sts::Policy& policy) {
  require(policy.max_age >= std::chrono::seconds(0) && policy.max_age <= sts::kMaxMaxAge);
  require(policy.mx.size() <= sts::kMaxPatterns);
  require(policy.mode == sts::Mode::none || !policy.mx.empty());
  std::set<std::string> different;
  for (const auto& pattern : policy.mx) {
    check_pattern(pattern);
    require(different.insert(pattern.text()).second);
  }
  const auto lines = policy_lines(policy);
  require(lines.size() == policy.mx.size() + 3);
  std::string body;
  for (const auto& line : lines) {
    require(base::is_printable(line));
    body += line + "\n";
  }
  const auto again = sts::parse_policy(body);
  require(again.ok() && *again == policy);
  check_storable(policy);
}

std::string indented(std::string_view body) {
  std::string text;
  for (char c : body) {
    text += c;
    if (c == '\n') text += " \t";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto policy = sts::parse_policy(body);
  if (const auto text = indented(body); text.size() <= sts::kMaxPolicyFile) {
    const auto again = sts::parse_policy(text);
    require(again.ok() == policy.ok());
    require(policy.ok() ? *again == *policy : again.error() == policy.error());
  }
  if (policy.ok()) {
    check_policy(*policy);
  } else {
    const auto& text = policy.error().text;
    require(!text.empty() && text.size() <= 200 && base::is_printable(text));
  }
  return 0;
}
