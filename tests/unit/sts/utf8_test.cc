#include "sts/utf8.h"

#include <doctest/doctest.h>

#include <string>

namespace tlspolicyd::sts {
namespace {

TEST_CASE("RFC 3629 4 both ends of every well-formed range") {
  const char* const good[] = {"",
                              "a",
                              "\x7f",
                              "\xc2\x80",
                              "\xdf\xbf",
                              "\xe0\xa0\x80",
                              "\xe0\xbf\xbf",
                              "\xe1\x80\x80",
                              "\xec\xbf\xbf",
                              "\xed\x80\x80",
                              "\xed\x9f\xbf",
                              "\xee\x80\x80",
                              "\xef\xbf\xbf",
                              "\xf0\x90\x80\x80",
                              "\xf3\xbf\xbf\xbf",
                              "\xf4\x80\x80\x80",
                              "\xf4\x8f\xbf\xbf",
                              "a\xc3\xbcz\xe2\x82\xac!\xf0\x9f\x98\x80"};
  for (std::string text : good) {
    CAPTURE(text);
    CHECK(is_utf8(text));
  }
}

TEST_CASE("RFC 3629 4 overlong forms, surrogates, too high, cut short") {
  const char* const bad[] = {"\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc2",
                             "\xc2\x41",
                             "\xc2\xc0",
                             "\xe0\x80\x80",
                             "\xe0\x9f\xbf",
                             "\xe1\x80",
                             "\xe1\x80\x41",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xef\xbf",
                             "\xf0\x8f\xbf\xbf",
                             "\xf0\x90\x80",
                             "\xf0\x90\x80\x41",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xff",
                             "ok\xff",
                             "\xff ok"};
  for (std::string text : bad) {
    INFO("first octet ", static_cast<int>(static_cast<unsigned char>(text[0])), ", length ",
         text.size());
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("ASCII is every octet below 0x80") {
  CHECK(is_ascii(""));
  CHECK(is_ascii(std::string_view("a\0\x7f", 3)));
  CHECK_FALSE(is_ascii("\x80"));
  CHECK_FALSE(is_ascii("a\xc3\xbc"));
}

TEST_CASE("RFC 3629 a view that ends inside a character is not read beyond its end") {
  const std::string euro = "\xe2\x82\xac";
  CHECK(is_utf8(std::string_view(euro)));
  CHECK_FALSE(is_utf8(std::string_view(euro).substr(0, 2)));
  CHECK_FALSE(is_utf8(std::string_view(euro).substr(0, 1)));
}

}  // namespace
}  // namespace tlspolicyd::sts
