#include "base/domain_name.h"

#include <doctest/doctest.h>

#include <string>
#include <unordered_set>

namespace tlspolicyd::base {
namespace {

using namespace std::string_literals;

std::string name_of_length(std::size_t length) {
  std::string name;
  while (length - name.size() > 64) name += std::string(63, 'a') + '.';
  return name + std::string(length - name.size(), 'b');
}

TEST_CASE("RFC 4343 names are folded to lower case and lose one final dot") {
  struct {
    std::string text;
    std::string name;
  } const rows[] = {{"example.com", "example.com"},
                    {"Example.COM.", "example.com"},
                    {"_MTA-STS.example.com", "_mta-sts.example.com"},
                    {"localhost", "localhost"},
                    {"a", "a"},
                    {"-a-.b", "-a-.b"},
                    {std::string(63, 'A') + ".x", std::string(63, 'a') + ".x"},
                    {name_of_length(253), name_of_length(253)},
                    {name_of_length(253) + ".", name_of_length(253)}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto name = DomainName::parse(row.text);
    REQUIRE(name.ok());
    CHECK(name->text() == row.name);
  }
}

TEST_CASE("RFC 5891 all ways to write an international name give one name") {
  const std::string spellings[] = {
      "b\xc3\xbc"
      "cher.example",
      "B\xc3\x9c"
      "CHER.example",
      "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE.",
      // u and a combining diaeresis
      "bu\xcc\x88"
      "cher.example",
      // the ideographic full stop
      "b\xc3\xbc"
      "cher\xe3\x80\x82"
      "example"};
  std::unordered_set<DomainName> names;
  for (const auto& spelling : spellings) {
    CAPTURE(spelling);
    const auto name = DomainName::parse(spelling);
    REQUIRE(name.ok());
    CHECK(name->text() == "xn--bcher-kva.example");
    names.insert(*name);
  }
  CHECK(names.size() == 1);
}

TEST_CASE("UTS 46 without the transitional mapping: a sharp s is a letter of its own") {
  const auto name = DomainName::parse("fa\xc3\x9f.example");
  REQUIRE(name.ok());
  CHECK(name->text() == "xn--fa-hia.example");
}

TEST_CASE("What is no domain name is refused") {
  const std::string texts[] = {
      "", ".", "..", ".a", "a..b", "a..", "a b", " a", "a\n", "a\0"s, "a\0.b"s, "a\x7f.b", "a/b",
      "a:b", "*.example.com", "a@b", "[a.b]", std::string(64, 'a') + ".b", name_of_length(254),
      std::string(100000, 'a'), std::string(100000, '.'),
      // malformed UTF-8, NUL beside UTF-8, U+00A0, what maps to a slash, a dot or nothing
      "\xff.b", "\xc3", "\xc3\xbc\0.b"s,
      "a\xc2\xa0"
      "b.c",
      "a\xef\xbc\x8f"
      "b.c",
      "\xe3\x80\x82",
      "\xe3\x80\x82"
      "a.b",
      "\xc2\xad.b",
      // longer than 63 as an A-label, and longer than is looked at
      [] {
        std::string t;
        for (int i = 0; i < 60; ++i) t += "\xe4\xb8\x80\xc3\xbc";
        return t;
      }() +
          ".b",
      [] {
        std::string t;
        for (int i = 0; i < 100000; ++i) t += "\xc3\xbc";
        return t;
      }()};
  for (const auto& text : texts) {
    CAPTURE(text.substr(0, 80));
    const auto name = DomainName::parse(text);
    CHECK_FALSE(name.ok());
    if (!name.ok()) CHECK(name.error().fault == Fault::invalid);
  }
}

TEST_CASE("Single labels and the top level") {
  CHECK(DomainName::parse("localhost")->is_single_label());
  CHECK(DomainName::parse("com.")->is_single_label());
  CHECK_FALSE(DomainName::parse("example.com")->is_single_label());
  CHECK(DomainName::parse("a.b.example.org")->top_level() == "org");
  CHECK(DomainName::parse("localhost")->top_level() == "localhost");
}

TEST_CASE("RFC 1035 2.3.4 a label is put in front only if the result fits") {
  const auto name = *DomainName::parse("Example.org");
  REQUIRE(name.below("_mta-sts").ok());
  CHECK(name.below("_mta-sts")->text() == "_mta-sts.example.org");
  const auto fits = DomainName::parse(name_of_length(244))->below("_mta-sts");
  REQUIRE(fits.ok());
  CHECK(fits->text().size() == DomainName::kMaxLength);
  const auto over = DomainName::parse(name_of_length(245))->below("_mta-sts");
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().fault == Fault::invalid);
}

TEST_CASE("RFC 1123 2.1 host labels") {
  for (const auto& label : {"a"s, "A9"s, "a-b"s, "9"s, "xn--bcher-kva"s, std::string(63, 'a')}) {
    CAPTURE(label);
    CHECK(is_host_label(label));
  }
  for (const auto& label : {""s, "-"s, "-a"s, "a-"s, "a_b"s, "a.b"s, "a b"s, "\xc3\xbc"s, "a\0"s,
                            "*"s, std::string(64, 'a')}) {
    CAPTURE(label);
    CHECK_FALSE(is_host_label(label));
  }
}

}  // namespace
}  // namespace tlspolicyd::base
