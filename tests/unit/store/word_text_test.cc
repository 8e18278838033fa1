#include "store/word_text.h"

#include <doctest/doctest.h>

#include "sts/policy_file.h"

using namespace tlspolicyd;
using base::seconds;
using base::WallTime;

namespace {

WallTime at(std::int64_t time) { return WallTime(seconds(time)); }

store::Word word_of(const std::string& file) {
  auto stored = std::make_shared<sts::StoredPolicy>();
  stored->policy = sts::parse_policy(file).value();
  stored->id = "20250101";
  stored->fetched_at = at(1'735'689'600);
  stored->expires_at = at(1'735'776'000);
  return {.domain = "example.org",
          .row = store::Row{.domain = "example.org",
                            .policy = stored,
                            .upkeep = {.used_at = at(1'735'690'000),
                                       .confirmed_at = at(1'735'693'200),
                                       .failures = 3}},
          .forgotten_at = {}};
}

const std::string kFile =
    "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmx: *.example.net\nmax_age: 86400\n";

/// The text of word_of(kFile), with one column replaced.
std::string with(std::size_t column, const std::string& value) {
  const auto text = store::text_of(word_of(kFile)).value();
  std::size_t begin = 0;
  for (; column > 0; --column) begin = text.find('|', begin) + 1;
  const auto end = text.find('|', begin);
  return text.substr(0, begin) + value + (end == std::string::npos ? "" : text.substr(end));
}

std::string trouble(const std::string& text) {
  const auto word = store::parse_word(text);
  return word ? "none" : word.error().text;
}

}  // namespace

TEST_CASE("decisions 24: a policy is written as SCHEMA.md says, and read back") {
  const auto word = word_of(kFile);
  const auto text = store::text_of(word).value();
  CHECK(
      text.starts_with("example.org|enforce|86400|mx1.example.org *.example.net|vmxxa|20250101|"
                       "1735689600|1735776000|1735690000|"));
  const auto back = store::parse_word(text).value();
  CHECK(back.domain == "example.org");
  CHECK(*back.row->policy == *word.row->policy);
  // What is noted besides is each node's own.
  CHECK(back.row->upkeep == sts::Upkeep{.used_at = at(1'735'690'000)});
}

TEST_CASE("what was forgotten is written with its time") {
  const store::Word word{.domain = "example.org", .row = std::nullopt, .forgotten_at = at(1234)};
  CHECK(store::text_of(word).value() == "example.org|forgotten|1234");
  const auto back = store::parse_word("example.org|forgotten|1234").value();
  CHECK(back.domain == "example.org");
  CHECK_FALSE(back.row);
  CHECK(back.forgotten_at == at(1234));
}

TEST_CASE("whatever was not written like that is not read") {
  CHECK(trouble(with(0, "example.org")) == "none");
  CHECK(trouble(with(0, "example.com")) == "wrong checksum");
  CHECK(trouble(with(1, "testing")) == "wrong checksum");
  CHECK(trouble(with(2, "086400")) == "wrong number");
  CHECK(trouble(with(2, "+86400")) == "wrong number");
  CHECK(trouble(with(6, "")) == "wrong number");
  CHECK(trouble(with(6, "99999999999999999999")) == "wrong number");
  CHECK(trouble(with(9, "1")) == "wrong checksum");
  CHECK(trouble(with(9, "1|1")) == "wrong number of columns");
  CHECK(trouble("") == "wrong number of columns");
  CHECK(trouble("example.org|forgotten") == "wrong number of columns");
  CHECK(trouble("Example.org|forgotten|1") == "wrong domain");
  CHECK(trouble("example.org.|forgotten|1") == "wrong domain");
  CHECK(trouble("|forgotten|1") == "wrong domain");
  CHECK(trouble("example.org|forgotten|-1") == "wrong time");
  CHECK(trouble("example.org|forgotten|253402300800") == "wrong time");
  CHECK(trouble("example.org|remembered|1") == "wrong number of columns");
  CHECK(trouble(std::string(store::kMaxWordText + 1, 'a')) == "wrong length");
}
