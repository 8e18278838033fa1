#include "dane/tlsa.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tlspolicyd::dane;

namespace {

using Octets = std::vector<std::uint8_t>;

/// A DER value of this tag and so many octets of content.
Octets der(std::uint8_t tag, std::size_t length) {
  Octets out;
  out.reserve(length + 4);
  out.push_back(tag);
  if (length > 0xff) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(length >> 8));
  } else if (length > 0x7f) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(length & 0xff));
  for (std::size_t i = 0; i < length; ++i) out.push_back(0x5a);
  return out;
}

bool usable(int usage, int selector, int matching_type, const Octets& data) {
  return is_usable({static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
                    static_cast<std::uint8_t>(matching_type), data});
}

}  // namespace

TEST_CASE("D8 usable are usages 2 and 3, selectors 0 and 1, matching types 0, 1 and 2") {
  for (int usage = 0; usage < 256; ++usage)
    for (const int selector : {0, 1, 2, 255})
      for (const int type : {0, 1, 2, 3, 255}) {
        const auto data = type == 1 ? Octets(32) : type == 2 ? Octets(64) : der(0x30, 300);
        CAPTURE(usage);
        CAPTURE(selector);
        CAPTURE(type);
        CHECK(usable(usage, selector, type, data) ==
              ((usage == 2 || usage == 3) && selector <= 1 && type <= 2));
      }
}

TEST_CASE("D8 a digest has its length") {
  for (std::size_t size = 0; size <= 130; ++size) {
    CAPTURE(size);
    CHECK(usable(3, 1, 1, Octets(size)) == (size == 32));
    CHECK(usable(3, 1, 2, Octets(size)) == (size == 64));
  }
}

TEST_CASE("D8 full data is one DER sequence, of the shortest form, and nothing behind it") {
  for (const std::size_t length : {1U, 127U, 128U, 255U, 256U, 1500U}) {
    CAPTURE(length);
    CHECK(usable(3, 0, 0, der(0x30, length)));
    CHECK_FALSE(usable(3, 0, 0, der(0x31, length)));
    auto longer = der(0x30, length);
    longer.push_back(0);
    CHECK_FALSE(usable(3, 0, 0, longer));
    auto shorter = der(0x30, length);
    shorter.pop_back();
    CHECK_FALSE(usable(3, 0, 0, shorter));
  }
  for (const auto& data :
       {Octets{}, Octets{0x30}, Octets{0x30, 0x00}, Octets{0x30, 0x80, 1}, Octets{0x30, 0x81, 1, 5},
        Octets{0x30, 0x82, 0, 1, 5}, Octets{0x30, 0x84, 0, 0, 0, 1, 5}, Octets{0x30, 0x82, 1}})
    CHECK_FALSE(usable(2, 1, 0, data));
}
