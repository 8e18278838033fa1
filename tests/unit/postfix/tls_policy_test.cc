#include "postfix/tls_policy.h"

#include <doctest/doctest.h>

using namespace tlspolicyd::postfix;
using List = std::vector<std::string>;

TEST_CASE("TLS policies as Postfix reads them") {
  const auto policy = parse_tls_policy(
      "secure match=mx1.good.test:.good.test servername=hostname policy_type=sts "
      "policy_domain=good.test "
      "{ policy_string = version: STSv1 } { policy_string =  mx:  mx1.good.test } "
      "mx_host_pattern=*.good.test");
  REQUIRE(policy.ok());
  CHECK(policy->level == "secure");
  CHECK(policy->match == List{"mx1.good.test", ".good.test"});
  CHECK(policy->servername == "hostname");
  CHECK(policy->policy_type == "sts");
  CHECK(policy->policy_string == List{"version: STSv1", "mx: mx1.good.test"});
  CHECK(policy->mx_host_pattern == List{"*.good.test"});
}

TEST_CASE("separators, case and repeated attributes") {
  CHECK(parse_tls_policy("SECURE\nMATCH=a.test,match=b.test")->match == List{"a.test", "b.test"});
  CHECK(parse_tls_policy("fingerprint match=AA|BB")->match == List{"AA", "BB"});
  CHECK(parse_tls_policy("dane-only")->level == "dane-only");
  CHECK(parse_tls_policy("none anything goes").ok());
}

TEST_CASE("what Postfix refuses, and defers mail for") {
  for (const char* text : {"",
                           "   ",
                           "strict",
                           "halfdane",
                           "secure match=",
                           "secure match",
                           "secure match = a.test",
                           "may match=a.test",
                           "dane-only match=a.test",
                           "encrypt match=a.test",
                           "secure color=blue",
                           "secure servername=a.test servername=b.test",
                           "secure servername=",
                           "secure servername=a..b",
                           "secure servername=a.test.",
                           "secure policy_domain=good.test",
                           "secure { policy_string = x }",
                           "secure policy_type=tlsa",
                           "secure policy_type=sts policy_domain=m\xc3\xbcnchen.test",
                           "secure policy_type=sts policy_domain=good.test.",
                           "secure { match = a.test",
                           "secure { match = a.test }x",
                           "secure policy_type=sts { policy_string = x: } evil=1 {y }",
                           "secure match=a.test }",
                           "{ secure }",
                           "secure connection_reuse=maybe",
                           "secure ciphers=",
                           "may tafile=/x",
                           "secure policy_ttl=1d policy_type=sts",
                           "secure policy_type=sts policy_failure=other"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_tls_policy(text).ok());
  }
}
