#include "tool/colour.h"

#include <doctest/doctest.h>

#include <string>

using namespace tlspolicyd;

namespace {

/// What is left without escape sequences.
std::string plain(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      at = text.find('m', at);
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("colour adds nothing but colour, whatever the text") {
  for (const std::string text :
       {"", "\n", "result", "result     protected: x\n", "TXT        a: failed: no [b] (1 ms)\n",
        "           mx1.a.test: no pattern of the policy matches\nreply      postfix: OK\n",
        "short\n\nresult     unprotected: nothing is required"})
    CHECK(plain(tool::in_colour(text)) == text);
}

TEST_CASE("what has failed is red, the result says how it is") {
  const struct {
    std::string line;
    std::string painted;
  } rows[] = {
      {"result     protected: x", "\x1b[1mresult\x1b[0m     \x1b[32mprotected: x\x1b[0m"},
      {"result     unprotected: x", "\x1b[1mresult\x1b[0m     \x1b[33munprotected: x\x1b[0m"},
      {"result     deferred: x", "\x1b[1mresult\x1b[0m     \x1b[31mdeferred: x\x1b[0m"},
      {"HTTPS      failed: expired", "\x1b[1mHTTPS\x1b[0m      \x1b[31mfailed: expired\x1b[0m"},
      {"           valid, id 1", "           valid, id 1"},
  };
  for (const auto& row : rows) CHECK(tool::in_colour(row.line) == row.painted);
}
