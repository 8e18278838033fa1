#include "base/number.h"

#include <doctest/doctest.h>

using namespace tlspolicyd::base;

TEST_CASE("numbers are decimal, without sign or leading zero, and in range") {
  CHECK(*parse_number("0", 0, 9) == 0);
  CHECK(*parse_number("443", 1, 65535) == 443);
  for (const char* text : {"", "010", "+1", "-1", "0x10", "1e3", "65536", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text, 1, 65535).ok());
  }
}
