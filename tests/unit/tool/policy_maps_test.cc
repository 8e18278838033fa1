#include "tool/policy_maps.h"

#include <doctest/doctest.h>

namespace tlspolicyd::tool {
namespace {

using Texts = std::vector<std::string>;

const DaemonEndpoints kEndpoints({net::parse_listen_address("inet:127.0.0.1:8461").value()},
                                 "/var/spool/postfix");
const std::string kOurs = "socketmap:inet:127.0.0.1:8461:postfix";

PolicyMaps edited(const std::string& list, PolicyMapsFacts facts = {}) {
  facts.written = list;
  if (facts.effective.empty()) facts.effective = list;
  return with_daemon(facts, kEndpoints);
}

TEST_CASE("tables are separated by commas and blanks, not within braces") {
  CHECK(split_tables("hash:/a, inline:{ {a.example=may, x}, { b=c } } $d,\n\te:f") ==
        Texts{"hash:/a", "inline:{ {a.example=may, x}, { b=c } }", "$d", "e:f"});
  CHECK(split_tables(" , ").empty());
  CHECK(split_tables("a:}b c:{ d") == Texts{"a:}b", "c:{ d"});
}

TEST_CASE("0.16 what the administrator has stays, and stays in its order") {
  CHECK(edited("").value == kOurs);
  CHECK(edited("hash:/etc/postfix/policy").value == "hash:/etc/postfix/policy, " + kOurs);
  CHECK(edited("hash:/a,$mine").value == "hash:/a, $mine, " + kOurs);
  CHECK(edited("socketmap:inet:192.0.2.1:10:customers").value ==
        "socketmap:inet:192.0.2.1:10:customers, " + kOurs);
}

TEST_CASE("the daemon's own entry is replaced in its place, never doubled") {
  for (const char* old :
       {"socketmap:inet:127.0.0.1:8461:postfix", "socketmap:inet:localhost:8461:QUERY",
        "proxy:socketmap:inet:127.0.0.1:8461:postfix",
        "socketmap:inet:127.0.0.1:8461:postfix-tlsrpt", "socketmap:inet:127.0.0.1:8461:anything"}) {
    CAPTURE(old);
    CHECK(edited(old).value == kOurs);
    const auto between = edited(std::string("hash:/a ") + old + " hash:/b");
    CHECK(between.value.find(kOurs) != std::string::npos);
    CHECK(split_tables(between.value) == Texts{"hash:/a", kOurs, "hash:/b"});
    CHECK(between.behind == Texts{"hash:/b"});
    CHECK(between.replaced.empty());
    CHECK(split_tables(edited(kOurs + ", hash:/a, " + old).value) == Texts{kOurs, "hash:/a"});
  }
}

TEST_CASE("another server of MTA-STS policies is replaced and named") {
  for (const char* other :
       {"socketmap:inet:127.0.0.1:8642:QUERY", "socketmap:unix:/run/sts/socket:QUERYwithTLSRPT",
        "socketmap:inet:127.0.0.1:9461:postfix"}) {
    CAPTURE(other);
    const auto maps = edited(std::string("hash:/a, ") + other);
    CHECK(maps.value == "hash:/a, " + kOurs);
    CHECK(maps.replaced == Texts{other});
    CHECK(edited(kOurs + " " + other).value == kOurs);
  }
}

TEST_CASE("a list that is right keeps its form") {
  const auto list = "hash:/a   " + kOurs + ",hash:/b";
  CHECK(edited(list).value == list);
}

TEST_CASE("an entry that a $name hides is found and replaced, others keep their $name") {
  PolicyMapsFacts facts;
  facts.effective = "hash:/a, socketmap:inet:127.0.0.1:8642:QUERY, hash:/b";
  CHECK(edited("hash:/a, $sts, hash:/b", facts).value == "hash:/a, " + kOurs + ", hash:/b");
  facts.effective = "hash:/a, " + kOurs;
  CHECK(edited("$table, " + kOurs, facts).value == "$table, " + kOurs);
}

TEST_CASE("who asks: the map with attributes for reports where Postfix takes them") {
  CHECK(edited(kOurs, {.written = {}, .effective = {}, .maps = {}, .reports = true}).value ==
        "socketmap:inet:127.0.0.1:8461:postfix-tlsrpt");
  CHECK(edited("socketmap:inet:127.0.0.1:8461:postfix-tlsrpt").value == kOurs);
}

TEST_CASE("who asks: the operator's own map stays where this Postfix understands it") {
  PolicyMapsFacts facts;
  facts.maps = {{.name = "strict", .profile = service::Profile::tlsrpt, .enforce_testing = true},
                {.name = "plain", .enforce_testing = true}};
  const std::string strict = "socketmap:inet:127.0.0.1:8461:strict";
  const std::string plain = "socketmap:inet:127.0.0.1:8461:plain";
  CHECK(edited(plain, facts).value == plain);
  CHECK(edited(strict, facts).value == kOurs);
  CHECK(edited("socketmap:inet:127.0.0.1:1:plain", facts).replaced.size() == 1);
  facts.reports = true;
  CHECK(edited(plain, facts).value == plain);
  CHECK(edited(strict, facts).value == strict);
}

}  // namespace
}  // namespace tlspolicyd::tool
