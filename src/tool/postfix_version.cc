#include "tool/postfix_version.h"

#include <fmt/format.h>

#include <charconv>

#include "base/log.h"

namespace tlspolicyd::tool {
namespace {

/// Takes a number of at most four digits off the front.
bool take_number(std::string_view& text, int& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(read.ptr - text.data());
  if (read.ec != std::errc{} || number < 0 || length > 4) return false;
  text.remove_prefix(length);
  return true;
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

/// What a distribution or a snapshot appends.
bool is_suffix(std::string_view text) {
  return text.empty() || text.front() == '-' || text.front() == '+' || text.front() == '~';
}

}  // namespace

std::string PostfixVersion::text() const {
  return patch < 0 ? fmt::format("{}.{} (snapshot)", major, minor)
                   : fmt::format("{}.{}.{}", major, minor, patch);
}

base::Result<PostfixVersion> parse_postfix_version(std::string_view text) {
  PostfixVersion version;
  auto rest = text;
  if (take_number(rest, version.major) && take_dot(rest) && take_number(rest, version.minor) &&
      (!take_dot(rest) || take_number(rest, version.patch)) && is_suffix(rest))
    return version;
  return base::Error{base::Fault::invalid,
                     "\"" + base::printable(text, 100) + "\" is no version of Postfix"};
}

}  // namespace tlspolicyd::tool
