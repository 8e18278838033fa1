#include "postfix/next_hop.h"

#include <doctest/doctest.h>

#include <string>

namespace tlspolicyd::postfix {
namespace {

using namespace std::string_literals;

TEST_CASE("S32, 0.1 next-hops and their policy domain, port and brackets") {
  struct {
    std::string key;
    std::string domain;
    std::uint16_t port;
    bool bracketed;
  } const rows[] = {
      {"example.com", "example.com", 25, false},
      {"Mail.Example.COM", "mail.example.com", 25, false},
      {"example.com.", "example.com", 25, false},
      {"[relay.example]", "relay.example", 25, true},
      {"[Relay.Example.]", "relay.example", 25, true},
      {"[relay.example]:587", "relay.example", 587, true},
      {"relay.example:587", "relay.example", 587, false},
      {"relay.example.:587", "relay.example", 587, false},
      {"relay.example:1", "relay.example", 1, false},
      {"relay.example:65535", "relay.example", 65535, false},
      {"relay.example:0025", "relay.example", 25, false},
      {"[relay.example]:smtp", "relay.example", 25, true},
      {"relay.example:submission", "relay.example", 587, false},
      {"[relay.example]:submissions", "relay.example", 465, true},
      {"[relay.example]:ssmtp", "relay.example", 465, true},
      {"[relay.example]:urd", "relay.example", 465, true},
      {"[relay.example]:mail", "relay.example", 25, true},
      {"relay.example:smtps", "relay.example", 465, false},
      {"relay.example:lmtp", "relay.example", 24, false},
      // host_port(3) of Postfix takes its default when nothing follows the colon
      {"[relay.example]:", "relay.example", 25, true},
      {"relay.example:", "relay.example", 25, false},
      {"m\xc3\xbcnchen.test", "xn--mnchen-3ya.test", 25, false},
      {"[M\xc3\x9cNCHEN.test]:587", "xn--mnchen-3ya.test", 587, true},
      {"xn--mnchen-3ya.test", "xn--mnchen-3ya.test", 25, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.key);
    const auto next_hop = parse_next_hop(row.key);
    REQUIRE(next_hop.ok());
    CHECK(next_hop->domain.text() == row.domain);
    CHECK(next_hop->port == row.port);
    CHECK(next_hop->bracketed == row.bracketed);
  }
}

TEST_CASE("S33, 0.2, decision 10, I10 keys that have no policy domain") {
  const std::string keys[] = {
      "", ".", ".example.com", ".com", "[.example.com]", "/var/run/socket", "[/var/run/socket]",
      // literals
      "192.0.2.1", "192.0.2.1:25", "[192.0.2.1]", "[192.0.2.1]:587", "[IPv6:2001:db8::1]",
      "[IPv6:2001:db8::1]:25", "[ipv6:2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]:25",
      "2001:db8::1", "IPv6:2001:db8::1", "::1", "IPv6:1",
      // single labels and special-use names
      "localhost", "[localhost]:10025", "relay", "relay:587", "[relay]", "a.invalid", "x.onion:25",
      "[printer.local]",
      // blanks and control characters, trimmed nowhere
      " example.com", "example.com ", "[relay.example] ", "[ relay.example]", "example.com\n",
      "example.com\0"s, "\0example.com"s, "example.com: 25", "example.com:25\n",
      // brackets
      "[", "]", "[]", "[]:25", "[relay.example", "relay.example]", "[relay.example]x",
      "[relay.example]25", "[[relay.example]]", "[relay.example]]:25", "[relay.example:587]",
      // ports
      "relay.example:0", "relay.example:65536", "relay.example:99999999999", "relay.example:-1",
      "relay.example:+25", "relay.example:25x", "relay.example:0x19", "[relay.example]:smtp:25",
      "relay.example:25:25", ":25", ":", "inet:relay.example:25", "unix:/var/run/lmtp"};
  for (const auto& key : keys) {
    CAPTURE(key);
    const auto next_hop = parse_next_hop(key);
    CHECK_FALSE(next_hop.ok());
    if (next_hop.ok()) continue;
    CHECK(next_hop.error().fault == base::Fault::invalid);
    CHECK_FALSE(next_hop.error().text.empty());
    CHECK(next_hop.error().text.size() <= 200);
    for (char c : next_hop.error().text) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("0.1 a host part over 253 octets is refused, also where its A-label is shorter") {
  // 85 characters of three octets: a short A-label each.
  std::string name;
  for (int label = 0; label < 17; ++label) {
    for (int i = 0; i < 5; ++i) name += "\xe4\xb8\x80";
    name += '.';
  }
  REQUIRE(name.size() == 17 * 16);
  CHECK_FALSE(parse_next_hop(name + "test").ok());
  CHECK(parse_next_hop(name.substr(0, 15 * 16) + "test").ok());
  CHECK_FALSE(parse_next_hop(std::string(10000, 'a')).ok());
  CHECK_FALSE(parse_next_hop("[" + std::string(10000, 'a') + "." + "test]:25").ok());
}

}  // namespace
}  // namespace tlspolicyd::postfix

TEST_CASE("I1 a port's name that is not known here keeps the policy domain") {
  for (const char* key : {"relay.example:msa", "[relay.example]:msa", "relay.example:SMTP"}) {
    CAPTURE(key);
    const auto next_hop = tlspolicyd::postfix::parse_next_hop(key);
    REQUIRE(next_hop.ok());
    CHECK(next_hop->domain.text() == "relay.example");
    CHECK(next_hop->port == 25);
  }
}
