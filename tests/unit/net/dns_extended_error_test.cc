#include "net/dns_extended_error.h"

#include <doctest/doctest.h>

#include "base/ascii.h"
#include "fakes/dns_reply.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using fakes::append_u16;
using fakes::Bytes;
using fakes::extended_error_option;

namespace {

Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string text_of(const Bytes& options) { return describe(read_extended_errors(options)); }

}  // namespace

TEST_CASE("RFC 8914 an error has the registry's name, its number and its text") {
  struct Row {
    unsigned code;
    std::string text;
    std::string expected;
  };
  const Row rows[] = {
      {0, "", "Other Error (EDE 0)"},
      {6, "signature expired", "DNSSEC Bogus (EDE 6): signature expired"},
      {7, "", "Signature Expired (EDE 7)"},
      {13, "", "Cached Error (EDE 13)"},
      {18, "", "Prohibited (EDE 18)"},
      {22, "at delegation example.org",
       "No Reachable Authority (EDE 22): at delegation example.org"},
      {24, "", "Invalid Data (EDE 24)"},
      {27, "", "Unsupported NSEC3 Iterations Value (EDE 27)"},
      {30, "", "Invalid Query Type (EDE 30)"},
      {31, "", "EDE 31"},
      {77, "of tomorrow", "EDE 77: of tomorrow"},
      {65535, "", "EDE 65535"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.code);
    CHECK(text_of(extended_error_option(row.code, row.text)) == row.expected);
  }
}

TEST_CASE("RFC 8914 several errors are named in their order, each code once, at most three") {
  const auto nine = extended_error_option(9, "no DNSKEY");
  const auto six = extended_error_option(6, "");
  CHECK(text_of(nine + six) == "DNSKEY Missing (EDE 9): no DNSKEY; DNSSEC Bogus (EDE 6)");
  CHECK(text_of(six + nine + six + nine) ==
        "DNSSEC Bogus (EDE 6); DNSKEY Missing (EDE 9): no DNSKEY");
  Bytes many;
  for (unsigned code = 0; code < 1000; ++code) many = many + extended_error_option(code, "");
  CHECK(read_extended_errors(many).size() == kMaxExtendedErrors);
}

TEST_CASE("RFC 8914 the text is printable, bounded and without its end's noise") {
  struct Row {
    std::string what, text, expected;
  };
  const Row rows[] = {
      {"a NUL at the end (section 2)", std::string("expired\0", 8), "expired"},
      {"a final dot", "expired.", "expired"},
      {"a line end", "expired.\r\n", "expired"},
      {"nothing but noise", std::string(" .\0\n", 4), ""},
      {"an escape sequence", "\x1b[31mred", "\\x1b[31mred"},
      {"a line of its own", "a\nTEMP b", "a\\x0aTEMP b"},
      {"UTF-8", "g\xc3\xbcltig", "g\\xc3\\xbcltig"},
      {"a NUL inside", std::string("a\0b", 3), "a\\x00b"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto errors = read_extended_errors(extended_error_option(6, row.text));
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].text == row.expected);
  }
  const auto giant = read_extended_errors(extended_error_option(6, std::string(60'000, '\xff')));
  REQUIRE(giant.size() == 1);
  CHECK(base::is_printable(giant[0].text));
  CHECK(giant[0].text.size() == 4 * kMaxExtraText + 3);
}

TEST_CASE("RFC 8914 what is no whole error is left out") {
  const auto good = extended_error_option(6, "");
  Bytes cookie;
  for (unsigned field : {10U, 4U, 0x1234U, 0x5678U}) append_u16(cookie, field);
  Bytes without_code{0, 15, 0, 1, 0};
  Bytes too_long{0, 15, 0, 200, 0, 6};
  CHECK(text_of({}).empty());
  CHECK(text_of(cookie).empty());
  CHECK(text_of(cookie + good) == "DNSSEC Bogus (EDE 6)");
  CHECK(text_of(without_code + good) == "DNSSEC Bogus (EDE 6)");
  CHECK(text_of(good + too_long) == "DNSSEC Bogus (EDE 6)");
  CHECK(text_of(too_long).empty());
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK(text_of(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))).empty());
}
