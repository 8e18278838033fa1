#include "service/mx_hosts.h"

#include <doctest/doctest.h>

#include <chrono>

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
  SUBCASE("decisions 27: held a second less than the TTL, a minute at most; no floor") {
    using base::seconds;
    const base::SteadyTime now{seconds{1000}};
    const std::pair<seconds, seconds> rows[] = {
        {seconds{0}, seconds{0}},     {seconds{1}, seconds{0}},   {seconds{5}, seconds{4}},
        {seconds{60}, seconds{59}},   {seconds{61}, seconds{60}}, {seconds{300}, seconds{60}},
        {seconds{86400}, seconds{60}}};
    for (const auto& [ttl, holds] : rows) {
      answer.ttl = ttl;
      const auto hosts = service::mx_hosts_of(domain, answer, now);
      CHECK(hosts.until == now + holds);
      CHECK(hosts.seen == now);
    }
  }
  SUBCASE("a set of more than 64 names is not held") {
    answer.kind = net::DnsAnswer::Kind::records;
    answer.ttl = base::seconds{300};
    for (int n = 0; n < 65; ++n) answer.mx.push_back({10, "mx" + std::to_string(n) + ".test"});
    CHECK(service::mx_hosts_of(domain, answer, {}).until == base::SteadyTime{});
    answer.mx.pop_back();
    CHECK(service::mx_hosts_of(domain, answer, {}).until == base::SteadyTime{base::seconds{60}});
  }
}

TEST_CASE("D10 the time for an MX set grows with its size, not with the square") {
  const auto domain = base::DomainName::parse("example.org").value();
  net::DnsAnswer answer;
  answer.kind = net::DnsAnswer::Kind::records;
  for (int n = 0; n < 50'000; ++n)
    answer.mx.push_back({10, "a-name-that-begins-as-all-do-" + std::to_string(n) + ".example.org"});
  answer.mx.insert(answer.mx.end(), answer.mx.begin(), answer.mx.begin() + 1000);
  const auto began = std::chrono::steady_clock::now();
  CHECK(service::mx_hosts_of(domain, answer, {}).names.size() == 50'000);
  CHECK(std::chrono::steady_clock::now() - began < base::seconds{1});
}

namespace {

sts::Policy policy(std::initializer_list<const char*> patterns) {
  sts::Policy made;
  for (const char* pattern : patterns) made.mx.push_back(sts::MxPattern::parse(pattern).value());
  return made;
}

Names earlier_names(const service::MxHosts& hosts) {
  Names names;
  for (const auto& earlier : hosts.earlier) names.push_back(earlier.name);
  return names;
}

base::SteadyTime hour(int n) { return base::SteadyTime{base::seconds{3600 * n}}; }

}  // namespace

TEST_CASE(
    "decisions 27: names that the policy allows are known for a day after they left the set") {
  using service::MxHosts;
  const auto allows = policy({"*.example.org"});
  MxHosts first{.names = {"a.example.org", "b.example.org", "mx.elsewhere.test"}, .seen = hour(0)};
  MxHosts second{.names = {"b.example.org", "c.example.org"}, .seen = hour(20)};
  note_earlier(second, first, allows);
  CHECK(earlier_names(second) == Names{"a.example.org"});
  MxHosts third{.names = {"d.example.org"}, .seen = hour(24)};
  SUBCASE("the last seen first") {
    note_earlier(third, second, allows);
    CHECK(earlier_names(third) == Names{"b.example.org", "c.example.org", "a.example.org"});
  }
  SUBCASE("not after a day") {
    third.seen = hour(25);
    note_earlier(third, second, allows);
    CHECK(earlier_names(third) == Names{"b.example.org", "c.example.org"});
  }
  SUBCASE("not what the policy of now does not allow") {
    note_earlier(third, second, policy({"c.example.org"}));
    CHECK(earlier_names(third) == Names{"c.example.org"});
  }
  SUBCASE("each once, though it comes back") {
    third.names = {"a.example.org"};
    note_earlier(third, second, allows);
    CHECK(earlier_names(third) == Names{"b.example.org", "c.example.org"});
    MxHosts fourth{.names = {}, .seen = hour(24)};
    note_earlier(fourth, third, allows);
    CHECK(earlier_names(fourth) == Names{"a.example.org", "b.example.org", "c.example.org"});
  }
}

TEST_CASE("decisions 27: of the names of the last day 64 are kept, however fast they rotate") {
  using service::MxHosts;
  const auto allows = policy({"*.example.org"});
  MxHosts before{.names = {"mx0.example.org"}, .seen = hour(1)};
  for (int n = 1; n < 100; ++n) {
    MxHosts now{.names = {"mx" + std::to_string(n) + ".example.org"}, .seen = hour(1)};
    note_earlier(now, before, allows);
    before = std::move(now);
  }
  REQUIRE(before.earlier.size() == MxHosts::kMaxEarlier);
  CHECK(before.earlier.front().name == "mx98.example.org");
  CHECK(before.earlier.back().name == "mx35.example.org");
}
