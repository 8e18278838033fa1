#include "sts/mx_pattern.h"

#include <doctest/doctest.h>

#include <string>

namespace tlspolicyd::sts {
namespace {

MxPattern pattern(std::string_view value) {
  const auto parsed = MxPattern::parse(value);
  CAPTURE(value);
  REQUIRE(parsed.ok());
  return *parsed;
}

const std::string kLabel63(63, 'a');
const std::string kLabel64(64, 'a');

/// A name of `length` octets with labels of at most 63.
std::string name_of_length(std::size_t length) {
  std::string name;
  while (length - name.size() > 64) name += kLabel63 + '.';
  return name + std::string(length - name.size(), 'b');
}

TEST_CASE("P-22, P-24, P-25 host names and wildcards are kept as a policy writes them") {
  struct {
    const char* value;
    const char* text;
    bool wildcard;
  } const rows[] = {
      {"mail.example.com", "mail.example.com", false},
      {"*.example.com", "*.example.com", true},          // P-22
      {"*.com", "*.com", true},                          // threat A-17
      {"mail.example.com.", "mail.example.com", false},  // P-24 T
      {"*.example.com.", "*.example.com", true},         // P-24 T
      {"MAIL.Example.COM", "mail.example.com", false},   // P-25
      {"*.EXAMPLE.com", "*.example.com", true},          // P-25
      {"xn--bcher-kva.example", "xn--bcher-kva.example", false},
      {"1.2.example", "1.2.example", false},
      {"a--b.c", "a--b.c", false},
      {"a.b", "a.b", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    const auto parsed = MxPattern::parse(row.value);
    REQUIRE(parsed.ok());
    CHECK(parsed->text() == row.text);
    CHECK(parsed->is_wildcard() == row.wildcard);
    CHECK(parsed->is_matchable());
  }
}

TEST_CASE("P-23, P-26, S15 what is no pattern is refused, printably") {
  using namespace std::string_literals;
  const std::string values[] = {// P-23
                                "*", "*.", "*..", "*.*.example.com", "a.*.com", "m*.example.com",
                                "**.x.y", ".example.com", "*example.com", "*.example.*",
                                // P-24: one final dot, not two
                                "mail.example.com..", ".", "",
                                // P-26
                                "mx_1.example.com", "-a.b", "a-.b", "a.-b", "a.b-", "a..b", "a b",
                                "a,b", "a:b", "[1.2.3.4]", "2001:db8::1", "a.b match=c", "a{b.c",
                                "a}b.c", "a\tb.c", "a\0b.c"s, "a.b\n", "\x1b[1m.a", "a.b/25",
                                "a.b "};
  for (const auto& value : values) {
    CAPTURE(value);
    const auto parsed = MxPattern::parse(value);
    CHECK_FALSE(parsed.ok());
    if (parsed.ok()) continue;
    CHECK(parsed.error().fault == base::Fault::invalid);
    CHECK(parsed.error().text.size() <= 200);
    for (char c : parsed.error().text) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("F12, S15 U-labels become A-labels, and only host names") {
  const char* const rows[][2] = {
      {"mail.b\xc3\xbc"
       "cher.example",
       "mail.xn--bcher-kva.example"},
      {"*.B\xc3\x9c"
       "CHER.example.",
       "*.xn--bcher-kva.example"},
      {"\xef\xbc\xad\xef\xbc\xb8.example", "mx.example"},  // full-width letters
      {"mx\xe3\x80\x82"
       "example",
       "mx.example"},  // ideographic full stop
      {"stra\xc3\x9f"
       "e.example",
       "xn--strae-oqa.example"},  // non-transitional
  };
  for (const auto& row : rows) {
    const auto converted = pattern(row[0]);
    CHECK(converted.text() == row[1]);
    CHECK(converted == pattern(row[1]));
    CHECK(converted.is_matchable());
  }
  CHECK(pattern("*.b\xc3\xbc"
                "cher.example")
            .matches("mx1.xn--bcher-kva.example"));
  CHECK_FALSE(pattern("*.b\xc3\xbc"
                      "cher.example")
                  .matches("xn--bcher-kva.example"));

  const std::string bad[] = {"\xc3\xbc_.example",
                             "\xc3\xbc.example..",
                             "*.\xc3\xbc..",
                             "*\xc3\xbc.example",
                             "*.*.\xc3\xbc.example",
                             "\xc3\xbc example",
                             "\xc3\xbc match=a.example",
                             "\xef\xbc\x8a.example",
                             "a.\xef\xbd\x9d",
                             "a\xef\xbc\x9a.example",
                             "a\xef\xbc\xbf"
                             "b.example",  // full-width underscore
                             "\xc3.example",
                             "\xff"};
  for (const auto& value : bad) {
    CAPTURE(value);
    const auto parsed = MxPattern::parse(value);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().fault == base::Fault::invalid);
    CHECK(parsed.error().text.size() <= 60);
    for (char c : parsed.error().text) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("P-27 to P-29 grammatical values that no MX host can have are kept but match nothing") {
  const std::string values[] = {"212.114.86.56",
                                "0.0.0.0",
                                "256.1.1.1",
                                "1.2.3",  // P-27
                                "hostname",
                                "nexthop",
                                "dot-nexthop",
                                "localhost",
                                "a",
                                "25",  // P-28
                                kLabel64 + ".example.com",
                                "*." + kLabel64 + ".com",  // P-29
                                name_of_length(254),
                                "*." + name_of_length(252)};  // P-29
  for (const auto& value : values) {
    CAPTURE(value);
    const auto parsed = MxPattern::parse(value);
    REQUIRE(parsed.ok());
    CHECK(parsed->text() == value);
    CHECK_FALSE(parsed->is_matchable());
    CHECK_FALSE(parsed->matches(value));
    if (parsed->is_wildcard()) CHECK_FALSE(parsed->matches("a" + value.substr(1)));
  }
}

TEST_CASE("P-29 the longest label and the longest name can match") {
  const std::string label = kLabel63 + ".example.com";
  CHECK(pattern(label).matches(label));
  const auto name = name_of_length(253);
  CHECK(pattern(name).matches(name));
  const auto wildcard = pattern("*." + name_of_length(251));
  CHECK(wildcard.is_matchable());
  CHECK(wildcard.matches("m." + name_of_length(251)));
}

TEST_CASE("3.3, S36 a star stands for exactly one left-most label") {
  struct {
    const char* value;
    const char* mx_host;
    bool matches;
  } const rows[] = {
      {"*.example.com", "mail.example.com", true},
      {"*.EXAMPLE.com.", "mail.example.com", true},
      {"*.example.com", "mx_1.example.com", true},
      {"*.example.com", "example.com", false},
      {"*.example.com", "a.mail.example.com", false},
      {"*.example.com", ".example.com", false},
      {"*.example.com", "mail.example.org", false},
      {"*.example.com", "mailexample.com", false},
      {"*.example.com", "mail.xexample.com", false},
      {"*.example.com", "mail.example.com.evil", false},
      {"*.example.com", "", false},
      {"*.example.com", "com", false},
      {"*.com", "example.com", true},
      {"*.com", "mail.example.com", false},
      {"mail.example.com", "mail.example.com", true},
      {"MAIL.example.com", "mail.example.com", true},
      {"mail.example.com", "example.com", false},
      {"mail.example.com", "a.mail.example.com", false},
      {"mail.example.com", "mail.example.co", false},
      {"mail.example.com", "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    CAPTURE(row.mx_host);
    CHECK(pattern(row.value).matches(row.mx_host) == row.matches);
  }
}

TEST_CASE("Patterns are equal if they allow the same hosts") {
  CHECK(pattern("Mail.example.com.") == pattern("mail.example.com"));
  CHECK_FALSE(pattern("*.example.com") == pattern("example.com"));
}

}  // namespace
}  // namespace tlspolicyd::sts
