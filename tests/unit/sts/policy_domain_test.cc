#include "sts/policy_domain.h"

#include <doctest/doctest.h>

#include <string>

namespace tlspolicyd::sts {
namespace {

using namespace std::string_literals;

/// A name of `length` octets with labels of at most 63.
std::string name_of_length(std::size_t length) {
  std::string name;
  while (length - name.size() > 64) name += std::string(63, 'a') + '.';
  return name + std::string(length - name.size(), 'b');
}

TEST_CASE("3.4 hosts that have a policy domain") {
  struct {
    std::string host;
    std::string domain;
  } const rows[] = {
      {"example.com", "example.com"},
      {"Example.COM", "example.com"},
      {"example.com.", "example.com"},
      {"mail.sub.example.com", "mail.sub.example.com"},  // S34: never the parent
      {"under_score.example", "under_score.example"},
      {"b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"B\xc3\x9c"
       "CHER.example",
       "xn--bcher-kva.example"},
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      // RFC 6761 names that are looked up like others
      {"good.test", "good.test"},
      {"good.example", "good.example"},
      // special-use labels count at the right end only
      {"localhost.example.com", "localhost.example.com"},
      {"local.org", "local.org"},
      {"xlocal.notlocal", "xlocal.notlocal"},
      {"1.2.3.4.example", "1.2.3.4.example"},
      {"4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.host);
    const auto domain = policy_domain(row.host);
    REQUIRE(domain.ok());
    CHECK(domain->text() == row.domain);
  }
}

TEST_CASE("3.4, S33, S34, decision 10 hosts that have none and must cause no traffic") {
  const std::string hosts[] = {
      "", ".", ".example.com", ".com", "/var/spool/socket", "example.com ", " example.com",
      "exa mple.com", "example\t.com", "example.com\n", "example.com\0"s, "\0"s, "a\x7f.com",
      "\x1b[31m.com",
      // S33
      "192.0.2.1", "127.0.0.1", "IPv6:2001:db8::1", "ipv6:::1", "IPV6:junk", "2001:db8::1", "::1",
      "::ffff:192.0.2.1", "fe80::1%eth0", "[192.0.2.1]", "1.2.3", "1.2.3.4.5", "256.1.1.1",
      // fullwidth digits are mapped to 192.0.2.1
      "\xef\xbc\x91\xef\xbc\x99\xef\xbc\x92.0.2.1",
      // single labels and special-use names
      "hostname", "com.", "localhost", "LOCALHOST.", "a.localhost", "a.Invalid", "x.onion",
      "printer.local", "a.b.local.", "a.\xef\xbd\x8cocal",
      // no host names
      "a..b", "a.b..", "-a.example", "a-.example", "a.example-", "*.example.com", "a/b.example",
      "a@b.example", "a:b.example", "a{b.example", std::string(64, 'a') + ".example",
      // IDNA
      "\xff.example", "\xc3.example", "xn--\xc3\xbc.example", "\xc2\xa0.example",
      std::string(2000, '\xc3') + ".example"};
  for (const auto& host : hosts) {
    CAPTURE(host);
    const auto domain = policy_domain(host);
    CHECK_FALSE(domain.ok());
    if (domain.ok()) continue;
    CHECK(domain.error().fault == base::Fault::invalid);
    CHECK_FALSE(domain.error().text.empty());
    CHECK(domain.error().text.size() <= 200);
    for (char c : domain.error().text) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("3.4 the longest policy domain is the longest that fits below _mta-sts") {
  // 9 octets of "_mta-sts." and 244 make the 253 that a name may have (RFC 1035 2.3.4).
  const auto longest = policy_domain(name_of_length(244));
  REQUIRE(longest.ok());
  REQUIRE(longest->below("_mta-sts").ok());
  CHECK(longest->below("_mta-sts")->text().size() == 253);
  CHECK(policy_domain(name_of_length(244) + ".").ok());
  for (std::size_t length : {245U, 246U, 253U, 254U, 10000U}) {
    CAPTURE(length);
    CHECK_FALSE(policy_domain(name_of_length(length)).ok());
  }
}

TEST_CASE("3.4 the error says why") {
  struct {
    const char* host;
    const char* word;
  } const rows[] = {{"", "empty"},
                    {".example.com", "parent"},
                    {"/socket", "socket"},
                    {"192.0.2.1", "literal"},
                    {"IPv6:2001:db8::1", "literal"},
                    {"hostname", "single label"},
                    {"x.onion", "special-use"},
                    {"a b.c", "space"}};
  for (const auto& row : rows) {
    CAPTURE(row.host);
    const auto domain = policy_domain(row.host);
    REQUIRE_FALSE(domain.ok());
    CHECK(domain.error().text.find(row.word) != std::string::npos);
  }
}

}  // namespace
}  // namespace tlspolicyd::sts
