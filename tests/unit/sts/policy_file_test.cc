#include "sts/policy_file.h"

#include <doctest/doctest.h>

#include <ctime>
#include <string>
#include <vector>

namespace tlspolicyd::sts {
namespace {

using namespace std::string_literals;

constexpr const char* kHead = "version: STSv1\nmode: enforce\nmax_age: 604800\n";
constexpr const char* kBase = "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\n";

struct Row {
  const char* number;
  std::string body;
};

/// An error is for people and logs: printable, bounded, nothing of the file unescaped.
void check_error(const base::Error& error) {
  CAPTURE(error.text);
  CHECK_FALSE(error.text.empty());
  CHECK(error.text.size() <= 200);
  for (char c : error.text) CHECK((c >= 0x20 && c < 0x7f));
}

void check_invalid(const Row& row) {
  CAPTURE(row.number);
  CAPTURE(row.body.substr(0, 200));
  const auto policy = parse_policy(row.body);
  CHECK_FALSE(policy.ok());
  if (policy.ok()) return;
  CHECK(policy.error().fault == base::Fault::invalid);
  check_error(policy.error());
}

/// Parses, and parses again what policy_lines makes of it.
Policy valid(const char* number, std::string_view body) {
  CAPTURE(number);
  CAPTURE(body.substr(0, 200));
  const auto policy = parse_policy(body);
  INFO((policy.ok() ? std::string() : policy.error().text));
  REQUIRE(policy.ok());
  std::string again;
  for (const auto& line : policy_lines(*policy)) again += line + "\r\n";
  const auto reparsed = parse_policy(again);
  REQUIRE(reparsed.ok());
  CHECK(*reparsed == *policy);
  return *policy;
}

std::vector<std::string> mx_of(const Policy& policy) {
  std::vector<std::string> texts;
  for (const auto& pattern : policy.mx) texts.push_back(pattern.text());
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("S13 the RFC's example") {
  const auto policy = valid("RFC 8461 3.2",
                            "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
                            "mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n");
  CHECK(policy.mode == Mode::enforce);
  CHECK(policy.max_age == std::chrono::seconds(604800));
  CHECK(mx_of(policy) == Texts{"mail.example.com", "*.example.net", "backupmx.example.com"});
  CHECK(policy.line_order == "vmxxxa");
}

TEST_CASE("P-1 to P-4 line ends, blank lines, byte order mark") {
  const Row ok[] = {
      {"P-1 LF", "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-1 LF, no final", "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example"},
      {"P-1 CRLF", "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\nmx: a.example\r\n"},
      {"P-1 CRLF, no final", "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\nmx: a.example"},
      {"P-1 mixture", "version: STSv1\r\nmode: enforce\nmax_age: 604800\r\nmx: a.example\n"},
      {"P-3 T middle",
       "version: STSv1\n\nmode: enforce\r\n\r\nmax_age: 604800\n \t\nmx: a.example\n"},
      {"P-3 T begin and end",
       "\n\r\nversion: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\n\n\r\n "},
      {"P-4 T", "\xef\xbb\xbf" + std::string(kBase)},
      {"P-4 T", "\xef\xbb\xbf\r\n" + std::string(kBase)},
  };
  const auto expected = valid("P-1", kBase);
  for (const auto& row : ok) CHECK(valid(row.number, row.body) == expected);

  std::string utf16le = "\xff\xfe";
  for (char c : std::string(kBase)) utf16le += std::string{c, '\0'};
  const Row bad[] = {
      {"P-2", "version: STSv1\rmode: enforce\rmax_age: 604800\rmx: a.example\r"},
      {"P-2 last line only", "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\r"},
      {"P-2 CR CR LF", "version: STSv1\r\r\nmode: enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-2 CR before text", "\rversion: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-2 lone CR", std::string(kBase) + "\r"},
      {"P-4 two marks", "\xef\xbb\xbf\xef\xbb\xbf" + std::string(kBase)},
      {"P-4 mark later", std::string(kBase) + "\xef\xbb\xbfx: y\n"},
      {"P-4 UTF-16", utf16le},
      {"other line ends", "version: STSv1\x0bmode: enforce\x0bmax_age: 1\x0bmx: a.example"},
      {"NEL", "version: STSv1\xc2\x85mode: enforce\nmax_age: 1\nmx: a.example"},
  };
  for (const auto& row : bad) check_invalid(row);
}

TEST_CASE("P-5 to P-9 blanks and the case of keys") {
  const auto expected = valid("base", kBase);
  const Row ok[] = {
      {"P-5", "version: STSv1 \nmode: enforce\t\nmax_age: 604800 \t \r\nmx: a.example \n"},
      {"P-8", "version:STSv1\nmode:enforce\nmax_age:604800\nmx:a.example\n"},
      {"P-8", "version:\tSTSv1\nmode:\tenforce\nmax_age: \t 604800\nmx:  a.example\n"},
  };
  for (const auto& row : ok) CHECK(valid(row.number, row.body) == expected);
  const Row bad[] = {
      {"P-6 folding", std::string(kBase) + "foo: bar\n baz\n"},
      {"P-7", "version: STSv1\nmode : enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-7", "version: STSv1\nmode: enforce\nmax_age\t: 604800\nmx: a.example\n"},
      {"P-9", "version: STSv1\nMode: enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-9", "VERSION: STSv1\nmode: enforce\nmax_age: 604800\nmx: a.example\n"},
      {"P-9", "version: STSv1\nmode: enforce\nMax_Age: 604800\nmx: a.example\n"},
      {"P-9", "version: STSv1\nmode: enforce\nmax_age: 604800\nMX: a.example\n"},
  };
  for (const auto& row : bad) check_invalid(row);
}

TEST_CASE("F4, P-6 blanks before a key are skipped, whatever their number") {
  const auto expected = valid("base", kBase);
  const Row ok[] = {
      {"F4 nginx recipe, indented but for its first line",
       "version: STSv1\n    mode: enforce\n    max_age: 604800\n    mx: a.example\n    "},
      {"P-6", "version: STSv1\nmode: enforce\nmax_age: 604800\n mx: a.example\n"},
      {"P-6 HTAB", "\tversion: STSv1\r\n\tmode: enforce\r\n\tmax_age: 604800\r\n\tmx: a.example"},
      {"P-6 after a byte order mark", "\xef\xbb\xbf \t"s + kBase},
      {"P-6 an unknown key", kBase + "  foo: bar\n"s},
      {"P-6 up to the size of a file",
       std::string(kMaxPolicyFile - std::string(kBase).size(), ' ') + kBase},
  };
  for (const auto& row : ok) CHECK(valid(row.number, row.body) == expected);
  const Row bad[] = {
      {"no blank but SP and HTAB", kBase + "\x0b"s + "foo: bar\n"},
      {"NBSP", kBase + "\xc2\xa0"s + "foo: bar\n"},
      {"NUL", kBase + " \0 foo: bar\n"s},
      {"CR", kBase + " \r foo: bar\n"s},
      {"P-7 a blank after the key", kBase + "  foo : bar\n"s},
      {"P-33 no key", kBase + "  : bar\n"s},
      {"P-34 no colon", kBase + "  foo\n"s},
      {"P-9 case still matters", "version: STSv1\n  Mode: enforce\nmax_age: 1\nmx: a.b\n"},
      {"P-14 the first line is judged", "  mode: foo\n"s + kBase},
      {"P-26 an indented mx is judged", kBase + "  mx: a b\n"s},
  };
  for (const auto& row : bad) check_invalid(row);
}

TEST_CASE("F12, S15, P-26 an mx in U-labels is converted to A-labels") {
  const struct {
    const char* value;
    const char* text;
  } rows[] = {
      {"m\xc3\xbcller.example", "xn--mller-kva.example"},
      {"*.m\xc3\xbcller.example", "*.xn--mller-kva.example"},
      {"M\xc3\x9cLLER.Example.", "xn--mller-kva.example"},
      {"mail.b\xc3\xbc"
       "cher.example",
       "mail.xn--bcher-kva.example"},
      {"mx.\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
       "mx.xn--r8jz45g.xn--zckzah"},
      {"mu\xcc\x88ller.example", "xn--mller-kva.example"},  // not in NFC
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    const auto policy = valid("F12", kBase + "mx: "s + row.value + "\n");
    CHECK(mx_of(policy) == Texts{"a.example", row.text});
    // So TLSRPT, Postfix and the disk show it.
    CHECK(policy_lines(policy).back() == "mx: "s + row.text);
    CHECK(mx_of(valid("F12 alone", kHead + "mx: "s + row.value + "\n")) == Texts{row.text});
  }
  CHECK(mx_of(valid("F12 both forms are one",
                    kHead + "mx: m\xc3\xbcller.example\n"s + "mx: xn--mller-kva.example\n")) ==
        Texts{"xn--mller-kva.example"});
  CHECK(valid("P-28", kHead + "mx: m\xc3\xbcller\n"s).mx.front().is_matchable() == false);
}

// Not as P-30, where the values are grammatical and a sender must defer: this mx is no Domain, so
// the policy is invalid (RFC 8461 3.2), none could be fetched (3.3), and what is cached stays in
// force.
TEST_CASE("F12 an mx in U-labels that cannot be converted goes while another one is valid") {
  const std::string values[] = {
      "\xe2\x98\x83\xe2\x80\x8d.example",  // ZERO WIDTH JOINER out of place
      "\xcc\x88ller.example",              // begins with a combining mark
      "m\xc3\xbcl_ler.example",            // no host name
      "-m\xc3\xbcller.example",
      "m\xc3\xbcller..example",
      "m\xc3\xbcller.example..",
      "*.*.m\xc3\xbcller.example",
      "m*.m\xc3\xbcller.example",
      "m\xc3\xbcller example",
      "a.example match=m\xc3\xbcller.example",
      "m\xc3\xbcller.example:25",
      "a.\xef\xbd\x9d.example",  // maps to a closing brace
      "a\xef\xbc\x9a"
      "b.example",             // maps to a colon
      "\xef\xbc\x8a.example",  // maps to a star
      "\xc2\xa0"
      "a.example",                                // maps to a space
      std::string(70, 'a') + "\xc3\xbc.example",  // a label over 63
      std::string(1100, 'a') + "\xc3\xbc.example",
  };
  const auto expected = valid("base", kBase);
  for (const auto& value : values) {
    CHECK(valid("F12 dropped", kBase + "mx: "s + value + "\n") == expected);
    CHECK(mx_of(valid("F12 dropped, before", "mx: " + value + "\n" + kBase)) == Texts{"a.example"});
    CHECK(mx_of(valid("F12 dropped beside a good one",
                      kHead + "mx: "s + value + "\nmx: m\xc3\xbcller.example\n")) ==
          Texts{"xn--mller-kva.example"});
    CHECK(mx_of(valid("F12 dropped beside one that can never match",
                      kHead + "mx: "s + value + "\nmx: hostname\n")) == Texts{"hostname"});
    check_invalid({"F12 alone", kHead + "mx: "s + value + "\n"});
    check_invalid(
        {"F12 alone, testing", "version: STSv1\nmode: testing\nmax_age: 1\nmx: " + value});
    check_invalid({"P-26 a malformed ASCII one spoils the policy",
                   kBase + "mx: "s + value + "\nmx: a_b.example\n"});
    CHECK(valid("P-21", "version: STSv1\nmode: none\nmax_age: 1\nmx: " + value).mx.empty());
  }
  check_invalid({"P-35 no UTF-8", kBase + "mx: m\xfcller.example\n"s});
}

TEST_CASE("F12, A-14 the work for U-labels is bounded: 2048 octets of them are converted") {
  // 16 octets a line: 128 of them are 2048.
  const auto with = [](std::size_t count, std::string_view value) {
    std::string body = kBase;
    for (std::size_t i = 0; i < count; ++i) body.append("mx: ").append(value).append("\n");
    return body;
  };
  const auto value = "m\xc3\xbcller.examples"s;
  const auto other = "mx: b\xc3\xbc.example\n"s;
  REQUIRE(value.size() == 16);
  CHECK(valid("2048 octets", with(128, value)).mx.size() == 2);
  CHECK(valid("within them", with(127, value) + other).mx.size() == 3);
  CHECK(valid("beyond them", with(128, value) + other).mx.size() == 2);
  CHECK(valid("ASCII beyond them", with(129, value) + "mx: late.example\n").mx.size() == 3);

  // The costliest per octet are short names, and characters that map to many.
  for (const auto& costly : {"\xc3\xbc.b"s, "\xef\xb7\xba.b"s, "a\xcc\x88\xcc\x81\xcc\x82.b"s,
                             "\xe4\xb8\x80\xe4\xb8\x87.b"s}) {
    auto body = with(1, costly);
    while (body.size() + costly.size() + 5 <= kMaxPolicyFile) body += "mx: " + costly + "\n";
    const auto begun = std::clock();
    CHECK(valid("A-14 64 KiB of U-labels", body).mx.size() <= 2);
    MESSAGE("64 KiB of U-labels: ",
            1000.0 * static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC, " ms");
  }
}

TEST_CASE("P-10 to P-12 version and mode") {
  CHECK(valid("P-10", "version: STSv1\nmode: testing\nmax_age: 1\nmx: a.b").mode == Mode::testing);
  CHECK(valid("P-10", "version: STSv1\nmode: none\nmax_age: 1").mode == Mode::none);
  const auto last = valid("P-12", "mx: a.b\nmax_age: 1\nmode: enforce\nversion: STSv1\n");
  CHECK(last.line_order == "xamv");
  for (std::string mode : {"Enforce", "report", "", "enforce,testing", "enforce x", "noneX"})
    check_invalid({"P-10", "version: STSv1\nmode: " + mode + "\nmax_age: 1\nmx: a.b\n"});
  check_invalid({"P-10 missing", "version: STSv1\nmax_age: 1\nmx: a.b\n"});
  for (std::string version : {"STSv2", "STSv1 x", "stsv1", "", "STSv1;", "\"STSv1\""})
    check_invalid({"P-11", "version: " + version + "\nmode: enforce\nmax_age: 1\nmx: a.b\n"});
  check_invalid({"P-11 missing", "mode: enforce\nmax_age: 1\nmx: a.b\n"});
}

TEST_CASE("P-13, P-14, S9, S16 of a repeated key the first line counts and is judged") {
  CHECK(valid("P-13", "version: STSv1\nmode: none\nmode: enforce\nmax_age: 1\nmx: a.b").mode ==
        Mode::none);
  const auto policy = valid("P-13 later copies are not judged",
                            "version: STSv1\nversion: STSv2\nmode: testing\nmode: foo\nmode:\n"
                            "max_age: 5\nmax_age: 6\nmax_age: x\nmx: a.b\n");
  CHECK(policy.mode == Mode::testing);
  CHECK(policy.max_age == std::chrono::seconds(5));
  CHECK(policy.line_order == "vmax");
  CHECK(policy_lines(policy) == Texts{"version: STSv1", "mode: testing", "max_age: 5", "mx: a.b"});
  check_invalid({"P-14", "version: STSv1\nmode: foo\nmode: enforce\nmax_age: 1\nmx: a.b\n"});
  check_invalid({"P-14", "version: STSv2\nversion: STSv1\nmode: enforce\nmax_age: 1\nmx: a.b\n"});
  check_invalid({"P-14", "version: STSv1\nmode: enforce\nmax_age: x\nmax_age: 1\nmx: a.b\n"});
  check_invalid({"P-13 and P-35", std::string(kBase) + "mode: no\x01ne\n"});
}

TEST_CASE("P-15 to P-18 max_age") {
  struct {
    const char* number;
    const char* digits;
    std::int64_t seconds;
  } const rows[] = {{"P-15", "0", 0},
                    {"P-16", "0000604800", 604800},
                    {"P-17", "31557600", 31557600},
                    {"P-17", "31557601", 31557600},
                    {"P-17", "4294967296", 31557600},
                    {"P-17", "9999999999", 31557600},
                    {"P-17", "2147483648", 31557600}};
  for (const auto& row : rows) {
    CAPTURE(row.number);
    CAPTURE(row.digits);
    const auto policy =
        valid(row.number, "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: "s + row.digits);
    CHECK(policy.max_age.count() == row.seconds);
  }
  for (std::string value : {"00000604800", "-1", "+1", "1.5", "1e6", "0x10", "604800s", "", "1 2",
                            "\xd9\xa1", "99999999999999999999999999"})
    check_invalid({"P-18", "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: " + value + "\n"});
  check_invalid({"P-18 missing", "version: STSv1\nmode: enforce\nmx: a.b\n"});
}

TEST_CASE("P-19 to P-21 how much mx the modes need") {
  check_invalid({"P-19", kHead});
  check_invalid({"P-19 typing mistake", std::string(kHead) + "nmx: a.b\n"});
  check_invalid({"P-19 testing", "version: STSv1\nmode: testing\nmax_age: 1\n"});
  CHECK(valid("P-20", "version: STSv1\nmode: none\nmax_age: 86400\n").mx.empty());
  const std::string values[] = {"*", "a b", "", "2001:db8::1"};
  for (const auto& value : values) {
    const auto policy =
        valid("P-21", "version: STSv1\nmx: " + value + "\nmode: none\nmax_age: 1\n");
    CHECK(policy.mode == Mode::none);
    CHECK(policy.mx.empty());
  }
  std::string many = "version: STSv1\nmax_age: 1\nmode: none\n";
  for (int i = 0; i < 600; ++i) many += "mx: h" + std::to_string(i) + ".b\n";
  CHECK(valid("P-21 too many", many).mx.size() <= kMaxPatterns);
}

TEST_CASE("P-22 to P-26, S15 mx values") {
  CHECK(mx_of(valid("P-22", kHead + "mx: *.example.com\n"s)) == Texts{"*.example.com"});
  CHECK(mx_of(valid("P-24 T", kHead + "mx: mail.example.com.\n"s)) == Texts{"mail.example.com"});
  CHECK(mx_of(valid("P-25", kHead + "mx: MAIL.Example.COM\n"s)) == Texts{"mail.example.com"});
  CHECK(mx_of(valid("S15", kHead + "mx: xn--bcher-kva.example\n"s)) ==
        Texts{"xn--bcher-kva.example"});
  const Row bad[] = {{"P-23", "*"},
                     {"P-23", "*."},
                     {"P-23", "*.*.example.com"},
                     {"P-23", "a.*.com"},
                     {"P-23", "m*.example.com"},
                     {"P-23", "**.x.y"},
                     {"P-23", ".example.com"},
                     {"P-26", "mx_1.example.com"},
                     {"P-26", "-a.b"},
                     {"P-26", "a-.b"},
                     {"P-26", "a..b"},
                     {"P-26", ""},
                     {"P-26", "a b"},
                     {"P-26", "a,b"},
                     {"P-26", "a:b"},
                     {"P-26", "[1.2.3.4]"},
                     {"P-26", "2001:db8::1"},
                     {"A-15", "a.b match=x.y"},
                     {"A-15", "a.b}"},
                     {"A-15", "a.b\tc"},
                     {"A-15", "a.b\x1b[1m"}};
  for (const auto& row : bad) {
    check_invalid({row.number, kHead + "mx: "s + row.body + "\n"});
    // One bad line spoils the policy, wherever it stands.
    check_invalid({row.number, kBase + "mx: "s + row.body + "\n"});
    check_invalid({row.number, "mx: " + row.body + "\n" + kBase});
  }
}

TEST_CASE("P-27 to P-30 mx that can never match leave a valid policy") {
  const Row rows[] = {{"P-27", "212.114.86.56"},
                      {"P-28", "hostname"},
                      {"P-28", "nexthop"},
                      {"P-28", "dot-nexthop"},
                      {"P-29", std::string(64, 'a') + ".example"},
                      {"P-29", std::string(200, 'a') + "." + std::string(60, 'b')}};
  for (const auto& row : rows) {
    CAPTURE(row.number);
    CAPTURE(row.body);
    const auto alone = valid("P-30", kHead + "mx: "s + row.body + "\n");
    REQUIRE(alone.mx.size() == 1);
    CHECK(alone.mx.front().text() == row.body);
    CHECK_FALSE(alone.mx.front().is_matchable());
    CHECK(alone.mode == Mode::enforce);
    const auto with = valid(row.number, kBase + "mx: "s + row.body + "\n");
    REQUIRE(with.mx.size() == 2);
    CHECK(with.mx.front().is_matchable());
  }
}

TEST_CASE("P-31, A-14 at most 512 mx after duplicates are taken out") {
  const auto with = [](int different) {
    std::string body = kHead;
    for (int i = 0; i < different; ++i) body += "mx: h" + std::to_string(i) + ".example\n";
    return body;
  };
  CHECK(valid("P-31", with(512)).mx.size() == 512);
  check_invalid({"P-31", with(513)});
  check_invalid({"P-31", with(2400)});

  auto repeated = with(512);
  for (int i = 0; i < 512; ++i) repeated += "mx: H" + std::to_string(i) + ".Example.\n";
  const auto policy = valid("P-31 duplicates", repeated);
  CHECK(policy.mx.size() == 512);
  CHECK(policy.line_order.size() == 3 + 512);

  std::string same = kHead;
  while (same.size() + 8 <= kMaxPolicyFile) same += "mx: a.b\n";
  CHECK(mx_of(valid("P-31 one, thousands of times", same)) == Texts{"a.b"});
}

TEST_CASE("Duplicate mx count once, at their first place") {
  const auto policy = valid(
      "S16",
      "mx: a.b\nversion: STSv1\nmx: *.c\nmx: A.b\nmode: testing\nmx: *.c.\nmax_age: 1\nmx: d.e\n");
  CHECK(mx_of(policy) == Texts{"a.b", "*.c", "d.e"});
  CHECK(policy.line_order == "xvxmax");
}

TEST_CASE("P-32 to P-34, S16 unknown keys") {
  const auto expected = valid("base", kBase);
  const std::string ok[] = {"foo: bar",
                            "foo:bar baz",
                            "foo: { x = y }",
                            "foo: a:b:c",
                            "foo: b\xc3\xbc"
                            "cher \xf0\x9f\x98\x80",
                            "9._-z: ~",
                            "foo: bar \t",
                            std::string(32, 'k') + ": v",
                            "foo: bar\nfoo: baz",
                            "foo: \xc2\x85",
                            "foo: " + std::string(5000, 'v')};
  for (const auto& line : ok) CHECK(valid("P-32", kBase + line + "\n") == expected);
  const Row bad[] = {{"P-33", "foo:"},
                     {"P-33", "foo: \t"},
                     {"P-33", std::string(33, 'k') + ": v"},
                     {"P-33", "_foo: bar"},
                     {"P-33", "-foo: bar"},
                     {"P-33", ": bar"},
                     {"P-33", "f\xc3\xbc: bar"},
                     {"P-33", "foo bar: baz"},
                     {"P-34", "foo"},
                     {"P-34", "# comment"},
                     {"P-34", "# comment: x"},
                     {"P-34", "<html>"},
                     {"P-34", "<a href=\"https://x.example\">"},
                     {"P-34", "// a: b"}};
  for (const auto& row : bad) {
    check_invalid({row.number, std::string(kBase) + row.body + "\n"});
    check_invalid({row.number, row.body + "\n" + kBase});
  }
}

TEST_CASE("P-35 NUL, other control characters and malformed UTF-8 anywhere") {
  const std::string octets[] = {
      "\0"s,  "\x01", "\x08", "\x0b",     "\x0c",         "\x1b", "\x1f",
      "\x7f", "\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xff", "\xf4\x90\x80\x80"};
  const std::string places[][2] = {{"foo: a", "b\n"s + kBase},
                                   {"foo: ", "\n"s + kBase},
                                   {"fo", "o: bar\n"s + kBase},
                                   {kBase + "foo: a"s, ""},
                                   {"", kBase},
                                   {kBase, ""},
                                   {kBase + "mode: "s, "\n"},
                                   {"version: STSv1", "\nmode: none\nmax_age: 1\n"},
                                   {"version: STSv1\nmode: none\nmax_age: 1\nmx: ", "\n"}};
  for (const auto& octet : octets)
    for (const auto& [before, after] : places) check_invalid({"P-35", before + octet + after});
  check_invalid({"P-35 HTAB inside a value", kBase + "foo: a\tb\n"s});
}

TEST_CASE("P-36 65536 octets are read, 65537 are not") {
  std::string body = kBase + "pad: "s;
  body += std::string(kMaxPolicyFile - body.size(), 'x');
  REQUIRE(body.size() == 65536);
  CHECK(valid("P-36", body) == valid("base", kBase));
  const auto over = parse_policy(body + "x");
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().fault == base::Fault::too_large);
  check_error(over.error());
  // Also if what is over would be ignored.
  CHECK_FALSE(parse_policy(body.substr(0, 65535) + "\r\n").ok());
  CHECK_FALSE(parse_policy("\xef\xbb\xbf" + body).ok());
}

TEST_CASE("P-37 an empty body is no policy") {
  for (std::string body : {"", "\n", "\r\n\r\n", "\xef\xbb\xbf", " "})
    check_invalid({"P-37", body});
}

TEST_CASE("P-38, S12 bytes of another charset must still parse") {
  std::string utf16be = "\xfe\xff";
  for (char c : std::string(kBase)) utf16be += std::string{'\0', c};
  check_invalid({"S12 utf-16", utf16be});
  check_invalid({"S12 iso-8859-1", kBase + "foo: b\xfc"
                                           "cher\n"s});
}

TEST_CASE("P-39 a policy wrapped like PEM or MIME is none") {
  check_invalid({"P-39", "-----BEGIN POLICY-----\n"s + kBase + "-----END POLICY-----\n"});
  check_invalid({"P-39", "--boundary\nContent-Type: text/plain\n\n"s + kBase + "--boundary--\n"});
  check_invalid({"P-39", kBase + "Regards\n"s});
  check_invalid({"P-39", "HTTP/1.1 200 OK\n\n"s + kBase});
}

TEST_CASE("A-16 an error says the line and what is wrong, escaped and short") {
  struct {
    std::string body;
    std::string text;
  } const rows[] = {
      {"version: STSv1\n\nmode: foo\nmax_age: 1\nmx: a.b\n",
       "line 3: mode is \"foo\", not enforce, testing or none"},
      {"version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.b\nmx: *\nmx: -\n",
       "line 5: mx is \"*\": not a host name, nor *. and a host name"},
      {"version: STSv1\nmode: enforce\nmax_age: 1\nmx: \xc3\xbc..b\nmx: -\xc3\xbc.b\n",
       "line 4: mx is \"\\xc3\\xbc..b\": not an internationalized host name"},
      {"version: STSv1\r\nmode: enforce\r\nmax_age: 1\r\n",
       "no mx line, which mode enforce requires"},
      {"version: STSv1\nhello\n", "line 2: not of the form key: value"},
      {"a\x1b[2Jb: c\n", "line 1: \"a\\x1b[2Jb\" is not a key"},
  };
  for (const auto& row : rows) {
    const auto policy = parse_policy(row.body);
    REQUIRE_FALSE(policy.ok());
    CHECK(policy.error().text == row.text);
  }
  // The longest quotation, on the line with the longest number.
  const std::string blanks(60000, '\n');
  const std::string umlauts = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "\xc3\xbc";
    return text;
  }();
  for (std::string key : {"", "version", "mode", "max_age", "mx", "\xc3\xbc"})
    check_invalid({"A-16", blanks + kBase + key + umlauts + ":" + umlauts});
  for (std::string key : {"version", "mode", "max_age", "mx"})
    check_invalid({"A-16", blanks + key + ":" + umlauts +
                               "\nversion: STSv1\nmode: enforce\nmax_age: 1\n" +
                               (key == "mx" ? "" : "mx: a.b")});
}

}  // namespace
}  // namespace tlspolicyd::sts
