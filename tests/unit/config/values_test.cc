#include "config/values.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::config;
using std::chrono::milliseconds;

TEST_CASE("durations are a number and a unit") {
  const struct {
    const char* text;
    long long ms;
  } rows[] = {{"500ms", 500},  {"1s", 1000},        {"10s", 10'000},
              {"5m", 300'000}, {"24h", 86'400'000}, {"180d", 15'552'000'000}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto value = parse_duration(row.text);
    REQUIRE(value.ok());
    CHECK(*value == milliseconds(row.ms));
  }
  for (const char* text : {"", "10", "s", "0s", "-1s", "1.5s", "1 s", "010s", "10S", "1w",
                           "99999999999999999999s", "400d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).ok());
  }
}

TEST_CASE("file modes are octal") {
  CHECK(*parse_file_mode("0660") == 0660);
  CHECK(*parse_file_mode("666") == 0666);
  for (const char* text : {"", "0888", "rw", "1777"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_file_mode(text).ok());
  }
}

TEST_CASE("edit distance counts single-letter changes") {
  CHECK(edit_distance("timeout", "timeout") == 0);
  CHECK(edit_distance("tiemout", "timeout") == 2);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("listn", "listen") == 1);
}

TEST_CASE("the nearest word is one that may have been meant") {
  const std::vector<std::string> words{"status", "list", "main-cf"};
  CHECK(nearest_word("stauts", words) == "status");
  CHECK(nearest_word("LIST", words).empty());
  CHECK(nearest_word("main_cf", words) == "main-cf");
  CHECK(nearest_word("frobnicate", words).empty());
  CHECK(nearest_word("", words).empty());
  CHECK(nearest_word("x", {}).empty());
}

TEST_CASE("a size is a number with a unit") {
  const struct {
    const char* text;
    std::size_t bytes;  ///< 0: none
  } rows[] = {{"512KiB", std::size_t{512} << 10},
              {"256MiB", std::size_t{256} << 20},
              {"2GiB", std::size_t{2} << 30},
              {"1048576GiB", std::size_t{1} << 50},
              {"1048577GiB", 0},
              {"99999999999999999999GiB", 0},
              {"0MiB", 0},
              {"-1MiB", 0},
              {"1.5GiB", 0},
              {"256", 0},
              {"256MB", 0},
              {"256 MiB", 0},
              {"MiB", 0},
              {"", 0}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto size = parse_size(row.text);
    CHECK(size.ok() == (row.bytes > 0));
    if (size) CHECK(*size == row.bytes);
  }
}
