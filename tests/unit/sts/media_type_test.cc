#include "sts/media_type.h"

#include <doctest/doctest.h>

#include <string_view>

namespace tlspolicyd::sts {
namespace {

TEST_CASE("S12, P-38 text/plain in any case and with any parameters") {
  for (std::string_view type :
       {"text/plain", "Text/Plain", "TEXT/PLAIN; charset=UTF-8; x=y", "text/plain;charset=us-ascii",
        "text/plain ; charset=utf-8", " text/plain\t", "text/plain;", "text/plain; charset=utf-16",
        "text/plain; charset=iso-8859-1", "text/plain; charset=\"utf-8\""}) {
    CAPTURE(type);
    CHECK(is_text_plain(type));
  }
}

TEST_CASE("F3 of a list, which a gateway makes of two fields, the last member counts") {
  for (std::string_view type :
       {"text/plain, text/plain", "text/html, text/plain;charset=utf-8", ",text/plain",
        "text/plain,", "text/plain , ,", "text/plain; x=\"a, b\"",
        "text/plain; x=\"a, \\\", text/html\"", "text/html; x=\"a, b\" , text/plain"}) {
    CAPTURE(type);
    CHECK(is_text_plain(type));
  }
  for (std::string_view type :
       {"text/plain, text/html", ",", " , ", "text/html; x=\", text/plain\"",
        "text/html; x=\", text/plain", "text/html; x=\"\\\", text/plain", "text/html; x=\"\\",
        "text/plain text/plain"}) {
    CAPTURE(type);
    CHECK_FALSE(is_text_plain(type));
  }
}

TEST_CASE("S12 every other media type, and none, is refused") {
  for (std::string_view type :
       {"", ";", "text", "text/", "text/html", "text/html; charset=utf-8", "text/plainx",
        "xtext/plain", "text/plai", "text /plain", "text/plain charset=utf-8",
        "text/plain, text/html", "application/octet-stream", "text/html; x=text/plain"}) {
    CAPTURE(type);
    CHECK_FALSE(is_text_plain(type));
  }
}

}  // namespace
}  // namespace tlspolicyd::sts
