#include "sts/txt_record.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tlspolicyd::sts {
namespace {

using namespace std::string_literals;
using Verdict = TxtSelection::Verdict;
using Records = std::vector<std::string>;

struct Row {
  const char* number;
  Records records;
  Verdict verdict;
  std::string id;
};

bool is_printable(const std::string& text) {
  for (char c : text)
    if (c < 0x20 || c > 0x7e) return false;
  return text.size() <= 200;
}

void check(const Row& row) {
  CAPTURE(row.number);
  const auto selected = select_record(row.records);
  INFO("records: ", row.records.size(),
       ", first: ", row.records.empty() ? "-"s : row.records.front().substr(0, 80),
       ", reason: ", selected.reason);
  CHECK(static_cast<int>(selected.verdict) == static_cast<int>(row.verdict));
  CHECK(selected.id == row.id);
  CHECK(selected.reason.empty() == (row.verdict == Verdict::ok));
  CHECK(is_printable(selected.reason));
}

const std::string kId32(32, 'a');
const std::string kId33(33, 'a');

/// A valid record of exactly `length` octets.
std::string record_of(std::size_t length) {
  std::string record = "v=STSv1; id=a; x=";
  return record + std::string(length - record.size(), 'y');
}

TEST_CASE("TXT-1 to TXT-6 the version, its delimiters and blanks") {
  const Row rows[] = {
      {"TXT-1", {"v=STSv1; id=20160831085700Z;"}, Verdict::ok, "20160831085700Z"},
      {"TXT-2", {"v=STSv1;id=a"}, Verdict::ok, "a"},
      {"TXT-3", {"v=STSv1; id=a"}, Verdict::ok, "a"},
      {"TXT-3", {"v=STSv1; id=a;"}, Verdict::ok, "a"},
      {"TXT-3", {"v=STSv1; id=a; "}, Verdict::ok, "a"},
      {"TXT-3", {"v=STSv1; id=a \t; \t"}, Verdict::ok, "a"},
      {"TXT-4 T", {"v=STSv1; id=a "}, Verdict::ok, "a"},
      {"TXT-4 T", {"v=STSv1; id=a\t "}, Verdict::ok, "a"},
      {"TXT-5", {"v=STSv1 ; id=a"}, Verdict::ok, "a"},
      {"TXT-5", {"v=STSv1\t;id=a"}, Verdict::ok, "a"},
      {"TXT-6", {"v=STSv1 ; id=a", "v=STSv1; id=b"}, Verdict::ok, "b"},
      {"TXT-6", {"v=STSv1; id=b", "v=STSv1 ; id=a"}, Verdict::ok, "b"},
      {"TXT-6", {"v=STSv1 ; id=a", "v=spf1 -all"}, Verdict::none, ""},
      {"TXT-6", {"v=STSv1 ; id=a", "v=STSv1 ; id=b"}, Verdict::none, ""},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("S4, TXT-7 to TXT-9 records that do not begin v=STSv1; are discarded before counting") {
  const Row rows[] = {
      {"TXT-7", {"v=spf1 -all", "v=STSv1; id=a"}, Verdict::ok, "a"},
      {"TXT-7", {"v=STSv1; id=a", "", "v=spf1 -all"}, Verdict::ok, "a"},
      {"TXT-8", {"v=STSv1; id=a", "v=STSv1; id=b"}, Verdict::multiple, ""},
      {"TXT-8", {"v=STSv1; id=a", "v=spf1 -all", "v=STSv1; id=b"}, Verdict::multiple, ""},
      {"TXT-8 one invalid", {"v=STSv1; id=a", "v=STSv1;"}, Verdict::multiple, ""},
      {"TXT-8 both invalid", {"v=STSv1;;", "v=STSv1;"}, Verdict::multiple, ""},
      {"TXT-9", {"v=spf1 -all"}, Verdict::none, ""},
      {"TXT-9", {"v=spf1 -all", "hello"}, Verdict::none, ""},
      {"TXT-9", {""}, Verdict::none, ""},
      {"TXT-9", {}, Verdict::none, ""},
      {"RFC 2181 5", {"v=STSv1; id=a", "v=STSv1; id=a"}, Verdict::ok, "a"},
      {"RFC 2181 5", {"v=STSv1 ; id=a", "v=STSv1 ; id=a"}, Verdict::ok, "a"},
      {"RFC 2181 5", {"v=STSv1; id=a", "v=spf1 -all", "v=STSv1; id=a"}, Verdict::ok, "a"},
      {"RFC 2181 5", {"v=STSv1; id=a", "v=STSv1; id=a", "v=STSv1; id=b"}, Verdict::multiple, ""},
      {"one left, invalid", {"v=STSv1; foo=1", "v=spf1 -all"}, Verdict::invalid, ""},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("S3, TXT-10 to TXT-13 the record begins with the version, case-sensitively") {
  const Row rows[] = {
      {"TXT-10", {"V=STSv1; id=a"}, Verdict::none, ""},
      {"TXT-10", {"v=stsv1; id=a"}, Verdict::none, ""},
      {"TXT-10", {" v=STSv1; id=a"}, Verdict::none, ""},
      {"TXT-11", {"v=STSv1"}, Verdict::invalid, ""},
      {"TXT-11", {"v=STSv1;"}, Verdict::invalid, ""},
      {"TXT-11", {"v=STSv1 "}, Verdict::invalid, ""},
      {"TXT-11", {"v=STSv1; foo=1"}, Verdict::invalid, ""},
      {"TXT-12", {"v=STSv10; id=a"}, Verdict::none, ""},
      {"TXT-12", {"v=STSv2; id=a"}, Verdict::none, ""},
      {"TXT-13", {"id=a; v=STSv1"}, Verdict::none, ""},
      {"no delimiter", {"v=STSv1 id=a"}, Verdict::invalid, ""},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("TXT-14 to TXT-19, S9 the id is 1 to 32 letters and digits and the first one counts") {
  const Row rows[] = {
      {"TXT-14", {"v=STSv1; id="}, Verdict::invalid, ""},
      {"TXT-14", {"v=STSv1; id=;"}, Verdict::invalid, ""},
      {"TXT-14", {"v=STSv1; id=" + kId33}, Verdict::invalid, ""},
      {"TXT-14", {"v=STSv1; id=2024-01-01"}, Verdict::invalid, ""},
      {"TXT-14", {"v=STSv1; id=a_b"}, Verdict::invalid, ""},
      {"TXT-15", {"v=STSv1; id=" + kId32}, Verdict::ok, kId32},
      {"TXT-16", {"v=STSv1; ID=a"}, Verdict::invalid, ""},
      {"TXT-17", {"v=STSv1; id = a"}, Verdict::invalid, ""},
      {"TXT-17", {"v=STSv1; id= a"}, Verdict::invalid, ""},
      {"TXT-18", {"v=STSv1; id=a; id=b"}, Verdict::ok, "a"},
      {"TXT-18 the second is not judged as id", {"v=STSv1; id=a; id=b-c"}, Verdict::ok, "a"},
      {"TXT-19", {"v=STSv1; id=a-b; id=c"}, Verdict::invalid, ""},
      {"case is kept", {"v=STSv1; id=aBc9"}, Verdict::ok, "aBc9"},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("S8, TXT-20 to TXT-22 unknown fields are ignored if they are well-formed") {
  const std::string name32(32, 'n');
  const std::string name33(33, 'n');
  const Row rows[] = {
      {"S8", {"v=STSv1; id=1; foo=bar"}, Verdict::ok, "1"},
      {"S8", {"v=STSv1; foo=bar; id=1"}, Verdict::ok, "1"},
      {"S8", {"v=STSv1; f_o-o.9=!\"<>~:,; id=1"}, Verdict::ok, "1"},
      {"S8", {"v=STSv1; id=1; " + name32 + "=x"}, Verdict::ok, "1"},
      {"TXT-20", {"v=STSv1;; id=a"}, Verdict::invalid, ""},
      {"TXT-20", {"v=STSv1; id=a; ;"}, Verdict::invalid, ""},
      {"TXT-20", {"v=STSv1; id=a;;"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; foo="}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; foo"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; foo=a=b"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; foo=a b"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; " + name33 + "=x"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; _foo=x"}, Verdict::invalid, ""},
      {"TXT-21", {"v=STSv1; id=a; =x"}, Verdict::invalid, ""},
      {"TXT-22", {"v=STSv1; v=STSv2; id=a"}, Verdict::ok, "a"},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("S3, TXT-23 only US-ASCII without control characters") {
  const std::string bad[] = {"\0"s, "\r", "\n", "\x7f", "\x80", "\xc3\xbc", "\xff", "\x01"};
  const std::string around[][2] = {{"v=STSv1; id=a", ""},      {"v=STSv1; id=a", "b"},
                                   {"v=STSv1; id=a; x=", "y"}, {"v=STSv1; id=a; x", "y=z"},
                                   {"v=STSv1", "; id=a"},      {"v=STSv1;", "id=a"},
                                   {"v=STSv1; id=a;", ""},     {"v=STSv1; id=a ", ""}};
  for (const auto& octets : bad)
    for (const auto& [before, after] : around)
      check({"TXT-23", {before + octets + after}, Verdict::invalid, ""});
}

TEST_CASE("S6, TXT-24, TXT-25 several strings of one TXT are joined without spaces") {
  // The resolver joins; what is fed here is what it hands over.
  const Row rows[] = {
      {"S6", {"v=STSv1; id=2016"s + "0831"}, Verdict::ok, "20160831"},
      {"TXT-24", {"v=STSv1; i"s + "d=a"}, Verdict::ok, "a"},
      {"TXT-25", {"v=STSv1;"s + "id=a"}, Verdict::ok, "a"},
  };
  for (const auto& row : rows) check(row);
}

TEST_CASE("TXT-26, A-5 a record longer than 4096 octets is invalid") {
  REQUIRE(record_of(4096).size() == 4096);
  check({"TXT-26", {record_of(4096)}, Verdict::ok, "a"});
  check({"TXT-26", {record_of(4097)}, Verdict::invalid, ""});
  check({"TXT-26", {record_of(65535)}, Verdict::invalid, ""});
  check({"TXT-26", {record_of(4097), "v=spf1 -all"}, Verdict::invalid, ""});
  check({"TXT-26", {std::string(65535, 'x')}, Verdict::none, ""});
}

TEST_CASE("TXT-27 quotes inside the data are a mistake in the zone file") {
  check({"TXT-27", {"\"v=STSv1; id=a\""}, Verdict::none, ""});
  check({"TXT-27", {"v=STSv1; id=\"a\""}, Verdict::invalid, ""});
}

TEST_CASE("A-5 thousands of records are looked at without trouble") {
  Records records(5000, "v=spf1 -all");
  records.push_back("v=STSv1; id=a");
  check({"last of many", records, Verdict::ok, "a"});
  records.push_back("v=STSv1; id=b");
  check({"two of many", records, Verdict::multiple, ""});
}

}  // namespace
}  // namespace tlspolicyd::sts
