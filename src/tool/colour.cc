#include "tool/colour.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tlspolicyd::tool {
namespace {

constexpr std::size_t kLabel = 10;  // columns

// SGR parameters (ECMA-48 8.3.117).
constexpr std::string_view kBold = "1", kRed = "31", kGreen = "32", kYellow = "33";

std::string painted(std::string_view text, std::string_view how) {
  if (text.empty()) return "";
  return std::string("\x1b[").append(how).append("m").append(text).append("\x1b[0m");
}

/// How the line of the result is painted, by its first word.
std::string_view of_result(std::string_view text) {
  if (text.starts_with("protected")) return kGreen;
  if (text.starts_with("unprotected")) return kYellow;
  return kRed;
}

bool is_bad(std::string_view text) {
  constexpr std::array<std::string_view, 9> kBad{"failed: ",
                                                 "refused",
                                                 "no pattern of the policy matches",
                                                 "would be refused",
                                                 "invalid",
                                                 "TEMP ",
                                                 "no-mx-matches-policy.invalid",
                                                 "still under way",
                                                 "could not be reached"};
  return std::any_of(kBad.begin(), kBad.end(),
                     [&](auto word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

bool wants_colour() {
  const char* terminal = std::getenv("TERM");
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) != 0 && (refused == nullptr || *refused == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string in_colour(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    const auto label = line.substr(0, std::min(kLabel, line.size()));
    const auto rest = line.substr(label.size());
    const auto word = label.substr(0, label.find(' '));
    const auto said = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    out += painted(word, kBold);
    out += label.substr(word.size());
    out += rest.substr(0, rest.size() - said.size());
    out += word == "result" ? painted(said, of_result(said))
           : is_bad(said)   ? painted(said, kRed)
                            : std::string(said);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace tlspolicyd::tool
