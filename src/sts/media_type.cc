#include "sts/media_type.h"

#include <algorithm>

#include "base/ascii.h"

namespace tlspolicyd::sts {

namespace {

/// Takes the first member of a list; a comma in a quoted string separates none (RFC 9110 5.6.4).
std::string_view take_member(std::string_view& list) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (is_quoted || list[end] != ','); ++end) {
    if (list[end] == '"') is_quoted = !is_quoted;
    if (list[end] == '\\' && is_quoted) ++end;
  }
  const auto member = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return base::trimmed(member);
}

/// Anything else is what a comma in a parameter, which should be quoted, leaves behind.
bool is_media_type(std::string_view member) {
  return member.substr(0, member.find(';')).find('/') != std::string_view::npos;
}

}  // namespace

bool is_text_plain(std::string_view content_type) {
  std::string_view last;
  while (!content_type.empty())
    if (const auto member = take_member(content_type); is_media_type(member)) last = member;
  const auto type = base::trimmed(last.substr(0, last.find(';')));
  constexpr std::string_view kTextPlain = "text/plain";
  return std::equal(type.begin(), type.end(), kTextPlain.begin(), kTextPlain.end(),
                    [](char a, char b) { return base::to_lower(a) == b; });
}

}  // namespace tlspolicyd::sts
