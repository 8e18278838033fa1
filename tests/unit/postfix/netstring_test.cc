#include "postfix/netstring.h"

#include <doctest/doctest.h>

using namespace tlspolicyd::postfix;
using Status = Netstring::Status;

TEST_CASE("netstrings: what is complete, what is not yet, what never will be") {
  const struct {
    const char* buffer;
    Status status;
    const char* payload;
  } rows[] = {
      {"5:hello,", Status::complete, "hello"},
      {"5:hello,3:abc,", Status::complete, "hello"},
      {"0:,", Status::complete, ""},
      {"", Status::incomplete, ""},
      {"5", Status::incomplete, ""},
      {"5:", Status::incomplete, ""},
      {"5:hello", Status::incomplete, ""},
      {"100:", Status::incomplete, ""},
      {"5:hello;", Status::malformed, ""},
      {":hello,", Status::malformed, ""},
      {"-1:", Status::malformed, ""},
      {"+5:hello,", Status::malformed, ""},
      {" 5:hello,", Status::malformed, ""},
      {"05:hello,", Status::malformed, ""},
      {"00:,", Status::malformed, ""},
      {"5hello", Status::malformed, ""},
      {"101:", Status::malformed, ""},
      {"99999999999999999999999999:", Status::malformed, ""},
      {"GET / HTTP/1.1\r\n", Status::malformed, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.buffer);
    const auto read = read_netstring(row.buffer, 100);
    CHECK(read.status == row.status);
    CHECK(read.payload == row.payload);
  }
}

TEST_CASE("C-4 a length is refused by its digits alone, before anything is waited for") {
  CHECK(read_netstring("10064", 10064).status == Status::incomplete);
  CHECK(read_netstring("10065", 10064).status == Status::malformed);
}

TEST_CASE("what is written is read") {
  std::string out;
  append_netstring(out, "NOTFOUND ");
  append_netstring(out, std::string(5000, 'x'));
  const auto first = read_netstring(out, 10000);
  CHECK(first.payload == "NOTFOUND ");
  CHECK(read_netstring(std::string_view(out).substr(first.consumed), 10000).payload.size() == 5000);
}
