#include "base/address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>

#include <cstring>
#include <string>

namespace tlspolicyd::base {
namespace {

using namespace std::string_literals;

TEST_CASE("Addresses of both families are read and written") {
  struct {
    const char* text;
    const char* written;
    Address::Family family;
    std::size_t octets;
  } const rows[] = {
      {"192.0.2.1", "192.0.2.1", Address::Family::v4, 4},
      {"255.255.255.255", "255.255.255.255", Address::Family::v4, 4},
      {"2001:DB8:0:0::1", "2001:db8::1", Address::Family::v6, 16},
      {"::", "::", Address::Family::v6, 16},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1", Address::Family::v6, 16},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       Address::Family::v6, 16},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto address = Address::parse(row.text);
    REQUIRE(address.ok());
    CHECK(address->text() == row.written);
    CHECK(address->family() == row.family);
    CHECK(address->bytes().size() == row.octets);
    CHECK(*Address::parse(address->text()) == *address);
  }
  const auto address = *Address::parse("192.0.2.1");
  CHECK(address.bytes()[0] == 192);
  CHECK(address.bytes()[3] == 1);
  CHECK(Address::v4(address.bytes().first<4>()) == address);
  const auto six = *Address::parse("2001:db8::1");
  CHECK(Address::v6(six.bytes().first<16>()) == six);
}

TEST_CASE("What is no address is refused") {
  const std::string texts[] = {"",
                               "192.0.2",
                               "192.0.2.256",
                               "192.0.2.1.1",
                               "0xc0.0.2.1",
                               "1",
                               "192.0.2.1 ",
                               " 192.0.2.1",
                               "[::1]",
                               "::1%lo",
                               "fe80::1%1",
                               ":::",
                               "1::2::3",
                               "12345::",
                               "example.com",
                               "192.0.2.1\0"s,
                               "::1\0.example"s,
                               std::string(46, ':'),
                               std::string(4096, '1')};
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto address = Address::parse(text);
    CHECK_FALSE(address.ok());
    if (!address.ok()) CHECK(address.error().fault == Fault::invalid);
  }
}

TEST_CASE("Addresses of different families are never equal") {
  CHECK_FALSE(*Address::parse("0.0.0.0") == *Address::parse("::"));
  CHECK_FALSE(*Address::parse("192.0.2.1") == *Address::parse("::ffff:192.0.2.1"));
}

TEST_CASE("Loopback") {
  for (const char* text : {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"}) {
    CAPTURE(text);
    CHECK(Address::parse(text)->is_loopback());
  }
  for (const char* text : {"126.255.255.255", "128.0.0.0", "0.0.0.1", "::", "::2", "1::1",
                           "::ffff:127.0.0.1", "7f00::1"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::parse(text)->is_loopback());
  }
}

TEST_CASE("Endpoints are read with a port, or without where there is a default") {
  struct {
    const char* text;
    std::uint16_t default_port;
    const char* written;
  } const rows[] = {{"127.0.0.1:53", 0, "127.0.0.1:53"},
                    {"[::1]:53", 0, "[::1]:53"},
                    {"127.0.0.1", 53, "127.0.0.1:53"},
                    {"[::1]", 53, "[::1]:53"},
                    {"::1", 53, "[::1]:53"},
                    {"127.0.0.1:65535", 53, "127.0.0.1:65535"},
                    {"[fe80::53%eth0]:53", 0, "[fe80::53%eth0]:53"},
                    {"fe80::53%eth0", 53, "[fe80::53%eth0]:53"},
                    {"[FE80::53%Vlan.12-x]", 53, "[fe80::53%Vlan.12-x]:53"},
                    {"febf::1%2", 53, "[febf::1%2]:53"}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto endpoint = Endpoint::parse(row.text, row.default_port);
    REQUIRE(endpoint.ok());
    CHECK(endpoint->text() == row.written);
  }
  for (const char* text : {"", ":", ":53", "127.0.0.1", "[::1]", "::1", "127.0.0.1:", "[::1]:",
                           "[::1]53", "[::1", "::1]", "[127.0.0.1]:53", "127.0.0.1:0",
                           "127.0.0.1:65536", "localhost:53", "127.0.0.1:53:53", "[::1]:53 "}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text).ok());
  }
  for (const char* text : {"", ":", "127.0.0.1:", "[::1]:", "[127.0.0.1]"}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text, 53).ok());
  }
}

TEST_CASE("Ports are decimal numbers from 1 to 65535") {
  CHECK(*parse_port("1") == 1);
  CHECK(*parse_port("65535") == 65535);
  for (const char* text : {"", "0", "65536", "-1", "+1", " 1", "1 ", "0x1", "smtp", "4294967297"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_port(text).ok());
  }
}

TEST_CASE("A socket address carries family, address and port in network order") {
  const SocketAddress four(*Endpoint::parse("192.0.2.1:258"));
  sockaddr_in in{};
  REQUIRE(four.length == sizeof in);
  std::memcpy(&in, four.get(), sizeof in);
  CHECK(in.sin_family == AF_INET);
  CHECK(ntohs(in.sin_port) == 258);
  CHECK(ntohl(in.sin_addr.s_addr) == 0xc0000201);

  const SocketAddress six(*Endpoint::parse("[2001:db8::1]:258"));
  sockaddr_in6 in6{};
  REQUIRE(six.length == sizeof in6);
  std::memcpy(&in6, six.get(), sizeof in6);
  CHECK(in6.sin6_family == AF_INET6);
  CHECK(ntohs(in6.sin6_port) == 258);
  CHECK(in6.sin6_addr.s6_addr[0] == 0x20);
  CHECK(in6.sin6_addr.s6_addr[15] == 1);
}

TEST_CASE("An endpoint and its socket address say the same") {
  for (const char* text : {"192.0.2.1:258", "0.0.0.0:1", "[2001:db8::1]:258", "[::]:65535"}) {
    CAPTURE(text);
    CHECK(Endpoint::of(SocketAddress(*Endpoint::parse(text)).storage).text() == text);
  }
}

TEST_CASE("F2 an interface belongs to a link-local address, and is a name") {
  for (const char* text :
       {"[2001:db8::1%eth0]:53", "[::1%lo]:53", "127.0.0.1%lo:53", "[fe80::1%]:53",
        "[fe80::1%a b]:53", "[fe80::1%a/b]:53", "[fe80::1%a%b]:53", "[fe80::1%sixteen-letters-]:53",
        "[%lo]:53", "[fec0::1%lo]:53"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(Endpoint::parse(text, 53).ok());
  }
  // Neither an address, nor what a policy host is judged by, ever has one.
  CHECK_FALSE(Address::parse("fe80::1%lo").ok());
}

TEST_CASE("F2 the interface counts in comparisons, and reaches the kernel as its number") {
  const auto on_lo = *Endpoint::parse("[fe80::53%lo]:53");
  CHECK_FALSE(on_lo == *Endpoint::parse("[fe80::53]:53"));
  CHECK_FALSE(on_lo == *Endpoint::parse("[fe80::53%eth0]:53"));
  CHECK(on_lo.address == Endpoint::parse("[fe80::53]:53")->address);
  const auto index = if_nametoindex("lo");
  REQUIRE(index != 0);
  const auto by_number = *Endpoint::parse("[fe80::53%" + std::to_string(index) + "]:53");
  for (const auto& endpoint : {on_lo, by_number}) {
    CHECK(endpoint.scope() == index);
    sockaddr_in6 in{};
    std::memcpy(&in, SocketAddress(endpoint).get(), sizeof in);
    CHECK(in.sin6_scope_id == index);
    CHECK(Endpoint::of(SocketAddress(endpoint).storage) == on_lo);
  }
  CHECK(Endpoint::parse("[fe80::53%nosuch0]:53")->scope() == 0);
  CHECK(Endpoint::parse("[fe80::53%4000000]:53")->scope() == 0);
  CHECK(on_lo.host() == "fe80::53%lo");
}

}  // namespace
}  // namespace tlspolicyd::base
