#include "tool/postfix_version.h"

#include <doctest/doctest.h>

namespace tlspolicyd::tool {
namespace {

TEST_CASE("0.9 versions of Postfix as releases, distributions and snapshots write them") {
  struct {
    const char* text;
    PostfixVersion version;
    const char* shown;
  } const rows[] = {
      {"3.7.11", {3, 7, 11}, "3.7.11"},
      {"3.10.13-0+deb13u1", {3, 10, 13}, "3.10.13"},
      {"3.12-20260821", {3, 12, -1}, "3.12 (snapshot)"},
      {"3.8.0-RC1", {3, 8, 0}, "3.8.0"},
      {"3.5.6~rc1", {3, 5, 6}, "3.5.6"},
      {"2.11.3", {2, 11, 3}, "2.11.3"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto version = parse_postfix_version(row.text);
    REQUIRE(version.ok());
    CHECK(*version == row.version);
    CHECK(version->text() == row.shown);
  }
}

TEST_CASE("what is no version of Postfix") {
  for (const char* text : {"", "3", "3.", "3.7.", ".7.1", "three", "3.7.11x", "3.-7.1", "-3.7.1",
                           "3.7.11.2", "3.99999999999.1", " 3.7.11", "3 7 11"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_postfix_version(text).ok());
  }
}

TEST_CASE("0.9 versions compare as numbers, a snapshot stands before its release") {
  CHECK(parse_postfix_version("3.9.10").value() < kFirstWithReports);
  CHECK(parse_postfix_version("3.10-20240809").value() < kFirstWithReports);
  CHECK(parse_postfix_version("3.10.0").value() >= kFirstWithReports);
  CHECK(parse_postfix_version("3.11-20250301").value() >= kFirstWithMxPatterns);
  CHECK(parse_postfix_version("3.10.4").value() < kFirstWithMxPatterns);
  CHECK(parse_postfix_version("3.3.22").value() < kFirstUsable);
  CHECK(parse_postfix_version("4.0.0").value() >= kFirstWithMxPatterns);
}

}  // namespace
}  // namespace tlspolicyd::tool
