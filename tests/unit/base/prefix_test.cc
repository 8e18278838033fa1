#include "base/prefix.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tlspolicyd::base {
namespace {

Address address(std::string_view text) {
  CAPTURE(text);
  const auto parsed = Address::parse(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

Prefix prefix(std::string_view text) {
  CAPTURE(text);
  const auto parsed = Prefix::parse(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

TEST_CASE("A-8 both ends of every special-purpose block, and the neighbours outside") {
  // An empty neighbour is special-purpose too, or beyond the end of the address space.
  struct {
    const char* block;
    const char* before;
    const char* first;
    const char* last;
    const char* after;
  } const rows[] = {
      {"0.0.0.0/8", "", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
      {"10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
      {"100.64.0.0/10", "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
      {"127.0.0.0/8", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
      {"169.254.0.0/16", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
      {"172.16.0.0/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
      {"192.0.0.0/24", "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
      {"192.0.2.0/24", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
      {"192.88.99.0/24", "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
      {"192.168.0.0/16", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
      {"198.18.0.0/15", "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
      {"198.51.100.0/24", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
      {"203.0.113.0/24", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
      {"224.0.0.0/4", "223.255.255.255", "224.0.0.0", "239.255.255.255", ""},
      {"240.0.0.0/4", "", "240.0.0.0", "255.255.255.254", ""},
      {"255.255.255.255/32", "", "255.255.255.255", "255.255.255.255", ""},
      {"::/128", "", "::", "::", ""},
      {"::1/128", "", "::1", "::1", ""},
      {"::ffff:0:0/96", "", "::ffff:0:0", "::ffff:ffff:ffff", ""},
      {"64:ff9b:1::/48", "", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ""},
      {"100::/64", "", "100::", "100::ffff:ffff:ffff:ffff", ""},
      {"2001::/23", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
      {"2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
       "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
      {"2002::/16", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
      {"3fff::/20", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
      {"5f00::/16", "", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
      {"fc00::/7", "", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
      {"fe80::/10", "", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
      {"fec0::/10", "", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
      {"ff00::/8", "", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.block);
    CHECK(is_special_purpose(address(row.first)));
    CHECK(is_special_purpose(address(row.last)));
    if (*row.before != '\0') CHECK_FALSE(is_special_purpose(address(row.before)));
    if (*row.after != '\0') CHECK_FALSE(is_special_purpose(address(row.after)));
    // The rows themselves are right.
    CHECK(prefix(row.block).contains(address(row.first)));
    CHECK(prefix(row.block).contains(address(row.last)));
  }
}

TEST_CASE("A-8 inner addresses that attackers would name, and hosts of the Internet") {
  for (const char* text : {"127.0.0.1", "169.254.169.254", "192.168.1.1", "2001:0:4136:e378::1",
                           "2001:2::1", "2002:7f00:1::", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
                           "64:ff9b::7f00:1", "fd00:ec2::254", "fe80::1", "ff02::1"}) {
    CAPTURE(text);
    CHECK(is_special_purpose(address(text)));
  }
  for (const char* text : {"8.8.8.8", "1.1.1.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1",
                           "2001:4860:4860::8888"}) {
    CAPTURE(text);
    CHECK_FALSE(is_special_purpose(address(text)));
  }
}

TEST_CASE("A-8 the operator's prefixes allow what lies inside them and nothing else") {
  const std::vector<Prefix> allowed = {prefix("127.0.0.0/8"), prefix("64:ff9b::/96"),
                                       prefix("10.1.0.0/16"), prefix("::1/128")};
  for (const char* text : {"127.0.0.1", "127.255.255.255", "64:ff9b::7f00:1", "10.1.255.255", "::1",
                           "8.8.8.8", "2606:4700::1111"}) {
    CAPTURE(text);
    CHECK(may_connect(address(text), allowed));
  }
  for (const char* text : {"10.0.255.255", "10.2.0.0", "192.168.1.1", "::", "64:ff9b:1::1",
                           "fe80::1", "::ffff:127.0.0.1"}) {
    CAPTURE(text);
    CHECK_FALSE(may_connect(address(text), allowed));
  }
  CHECK_FALSE(may_connect(address("127.0.0.1"), {}));
  CHECK(may_connect(address("8.8.8.8"), {}));
}

TEST_CASE(
    "network D10: decision 26: of IPv6 only global unicast, whatever IANA may register elsewhere") {
  const Prefix everything_but[] = {prefix("::/3"), prefix("4000::/2"), prefix("8000::/1")};
  for (const auto& block : everything_but) {
    const auto inside = Address::parse(block.text().substr(0, block.text().find('/'))).value();
    CAPTURE(block.text());
    CHECK(is_special_purpose(inside));
  }
  for (const char* text :
       {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "::8.8.8.8", "::ffff:0:8.8.8.8",
        "64:ff9b::1:808:808", "64:ff9a:ffff:ffff:ffff:ffff:808:808", "64:ff9b:2::808:808",
        "100:0:0:1::1", "fbff::1", "fe00::1"}) {
    CAPTURE(text);
    CHECK(is_special_purpose(address(text)));
    CHECK_FALSE(may_connect(address(text), {}));
  }
  CHECK_FALSE(is_special_purpose(address("2000::")));
  CHECK_FALSE(is_special_purpose(address("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
}

TEST_CASE("F1: a NAT64 address is judged by the IPv4 address in it") {
  for (const char* text : {"64:ff9b::505:505", "64:ff9b::808:808", "64:ff9b::dfff:ffff"}) {
    CAPTURE(text);
    CHECK_FALSE(is_special_purpose(address(text)));
    CHECK(may_connect(address(text), {}));
  }
  for (const char* text : {"64:ff9b::", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
                           "64:ff9b::c0a8:101", "64:ff9b::e000:1", "64:ff9b::ffff:ffff"}) {
    CAPTURE(text);
    CHECK(is_special_purpose(address(text)));
    CHECK_FALSE(may_connect(address(text), {}));
  }
  CHECK(embedded_v4(address("64:ff9b::505:505")) == address("5.5.5.5"));
  CHECK_FALSE(embedded_v4(address("64:ff9b:1::505:505")));
  CHECK_FALSE(embedded_v4(address("5.5.5.5")));
}

TEST_CASE("F1: an IPv4 prefix of the administrator also allows what NAT64 makes of it") {
  const std::vector<Prefix> allowed = {prefix("10.1.0.0/16")};
  CHECK(may_connect(address("64:ff9b::a01:1"), allowed));
  CHECK_FALSE(may_connect(address("64:ff9b::a02:1"), allowed));
  // In every other translation prefix it allows nothing.
  for (const char* text : {"64:ff9b:1::a01:1", "::a01:1", "::ffff:a01:1", "::ffff:0:a01:1",
                           "2002:a01:1::1", "fd00::a01:1"}) {
    CAPTURE(text);
    CHECK_FALSE(may_connect(address(text), allowed));
  }
}

TEST_CASE("Prefixes compare the bits of their length, whole octets or not") {
  struct {
    const char* prefix;
    const char* inside;
    const char* outside;
  } const rows[] = {{"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
                    {"192.0.2.0/31", "192.0.2.1", "192.0.2.2"},
                    {"128.0.0.0/1", "255.0.0.0", "127.255.255.255"},
                    {"0.0.0.0/0", "255.255.255.255", "::"},
                    {"::/0", "ffff::", "0.0.0.0"},
                    {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
                    {"2001:db8::1/128", "2001:db8::1", "2001:db8::"}};
  for (const auto& row : rows) {
    CAPTURE(row.prefix);
    CHECK(prefix(row.prefix).contains(address(row.inside)));
    CHECK_FALSE(prefix(row.prefix).contains(address(row.outside)));
  }
}

TEST_CASE("What is no prefix is refused, also one with bits beyond its length") {
  for (const char* text :
       {"", "/", "127.0.0.0", "127.0.0.0/", "/8", "127.0.0.0/33", "::/129", "127.0.0.0/-1",
        "127.0.0.0/+8", "127.0.0.0/8 ", "127.0.0.0/8/8", "127.0.0.0/0x8", "127/8", "127.0.0.1/8",
        "2001:db8::1/127", "x/8", "127.0.0.0/99999999999"}) {
    CAPTURE(text);
    const auto parsed = Prefix::parse(text);
    CHECK_FALSE(parsed.ok());
    if (!parsed.ok()) CHECK(parsed.error().fault == Fault::invalid);
  }
}

}  // namespace
}  // namespace tlspolicyd::base
