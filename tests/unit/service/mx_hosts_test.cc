#include "service/mx_hosts.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using Names = std::vector<std::string>;

TEST_CASE("RFC 5321 5.1 the MX hosts of an answer") {
  const auto domain = base::DomainName::parse("example.org").value();
  net::DnsAnswer answer;
  SUBCASE("by preference, each once, without null and invalid targets") {
    answer.kind = net::DnsAnswer::Kind::records;
    answer.mx = {{10, "a.example.org"}, {10, ""}, {20, "b.example.org"}, {30, "a.example.org"}};
    CHECK(service::mx_hosts_of(domain, answer, {}).names ==
          Names{"a.example.org", "b.example.org"});
  }
  SUBCASE("none: the domain itself") {
    for (const auto kind : {net::DnsAnswer::Kind::no_data, net::DnsAnswer::Kind::no_such_name}) {
      answer.kind = kind;
      CHECK(service::mx_hosts_of(domain, answer, {}).names == Names{"example.org"});
    }
  }
  SUBCASE("RFC 7505 null MX: no host") {
    answer.kind = net::DnsAnswer::Kind::records;
    answer.mx = {{0, ""}};
    CHECK(service::mx_hosts_of(domain, answer, {}).names.empty());
  }
  SUBCASE("TTL: believed for a minute at least, an hour at most") {
    using base::seconds;
    const base::SteadyTime now{seconds{1000}};
    const std::pair<seconds, seconds> rows[] = {
        {seconds{0}, seconds{60}}, {seconds{300}, seconds{300}}, {seconds{86400}, seconds{3600}}};
    for (const auto& [ttl, holds] : rows) {
      answer.ttl = ttl;
      CHECK(service::mx_hosts_of(domain, answer, now).until == now + holds);
    }
  }
}
