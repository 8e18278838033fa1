#include "base/keyed_hash.h"

#include <doctest/doctest.h>

#include <string>

using tlspolicyd::base::KeyedHash;

TEST_CASE("SipHash-2-4: the vectors of its reference implementation") {
  const KeyedHash hash({0x0706050403020100, 0x0f0e0d0c0b0a0908});
  const struct {
    std::size_t size;
    std::uint64_t value;
  } rows[] = {{0, 0x726fdb47dd0e0e31},
              {1, 0x74f839c593dc67fd},
              {8, 0x93f5f5799a932462},
              {15, 0xa129ca6149be45e5}};
  for (const auto& row : rows) {
    CAPTURE(row.size);
    std::string text;
    for (std::size_t n = 0; n < row.size; ++n) text += static_cast<char>(n);
    CHECK(hash(text) == row.value);
  }
}

TEST_CASE("another key gives other hashes, and every process has a key of its own") {
  const KeyedHash one(KeyedHash::random_key());
  const KeyedHash two(KeyedHash::random_key());
  CHECK(one("example.org") != two("example.org"));
}
