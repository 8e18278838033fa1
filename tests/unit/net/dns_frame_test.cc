#include "net/dns_frame.h"

#include <doctest/doctest.h>

#include "fakes/dns_reply.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using fakes::append_name;
using fakes::append_u16;
using fakes::Bytes;

namespace {

/// `count` labels of one octet, then the root.
Bytes labels(std::size_t count) {
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), {1, 'A'});
  bytes.push_back(0);
  return bytes;
}

}  // namespace

TEST_CASE("RFC 1035 2.3.4 D9: a name of 255 octets is read, one of 257 is not") {
  const auto longest = labels(127);
  CHECK(longest.size() == kMaxWireName);
  CHECK(end_of_name(longest, 0) == 255);
  CHECK(canonical_name_at(longest, 0)->size() == 255);
  CHECK_FALSE(end_of_name(labels(128), 0));
  CHECK_FALSE(canonical_name_at(labels(128), 0));
}

TEST_CASE("D9: the octets behind pointers count as well") {
  auto bytes = labels(126);  // 253 octets
  const auto at = bytes.size();
  bytes.insert(bytes.end(), {1, 'b'});
  append_u16(bytes, 0xc000);
  CHECK(end_of_name(bytes, at) == at + 4);
  CHECK(canonical_name_at(bytes, at)->size() == 255);
  const auto longer = bytes.size();
  bytes.insert(bytes.end(), {1, 'c'});
  append_u16(bytes, 0xc000U | static_cast<unsigned>(at));
  CHECK_FALSE(end_of_name(bytes, longer));
}

TEST_CASE("D9: the longest run of labels is left after 255 octets, wherever it would end") {
  // 16 KiB of labels that a record may point at; whoever read on would read them all.
  auto bytes = labels(8000);
  bytes.pop_back();
  const auto end_never_reached = bytes;
  CHECK_FALSE(end_of_name(end_never_reached, 0));
  for (std::size_t from = 0; from < 16'000 - 254; from += 2) CHECK_FALSE(end_of_name(bytes, from));
}

TEST_CASE("a canonical name is lower case and uncompressed") {
  Bytes bytes;
  append_name(bytes, "Example.ORG");
  const auto at = bytes.size();
  bytes.insert(bytes.end(), {3, 'W', 'w', 0xc1});
  append_u16(bytes, 0xc000);
  CHECK(canonical_name_at(bytes, at) == std::string("\3ww\xc1\7example\3org\0", 17));
}

TEST_CASE("a name that is cut, or led astray, is none") {
  struct Row {
    std::string what;
    Bytes bytes;
  };
  const Row rows[] = {
      {"nothing", {}},
      {"a label without its end", {3, 'a', 'b'}},
      {"no root", {1, 'a'}},
      {"half a pointer", {0xc0}},
      {"a pointer to itself", {0xc0, 0}},
      {"a pointer ahead", {0xc0, 2, 0}},
      {"a label of type 01", {0x41, 0}},
      {"a label of type 10", {0x81, 0}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK_FALSE(end_of_name(row.bytes, 0));
    CHECK_FALSE(canonical_name_at(row.bytes, 0));
  }
}
