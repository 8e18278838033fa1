#include "postfix/reply.h"

#include <doctest/doctest.h>

#include "postfix/tls_policy.h"
#include "sts/policy_file.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;
using service::Decision;
using service::Profile;

namespace {

service::Question question(Profile profile) {
  return {base::DomainName::parse("good.test").value(), {.profile = profile}};
}

Decision secure(const std::string& body, std::vector<std::string> names = {}) {
  const auto policy = sts::parse_policy(body);
  REQUIRE(policy.ok());
  Decision decision;
  decision.kind = Decision::Kind::secure;
  decision.policy = std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", *policy, {}));
  decision.mx_names = std::move(names);
  return decision;
}

std::string head() { return "version: STSv1\nmode: enforce\nmax_age: 86400\n"; }

}  // namespace

TEST_CASE("S38 S45 the vocabulary of answers") {
  Decision decision;
  CHECK(render_reply(decision, question(Profile::compat)) == "NOTFOUND ");
  decision.kind = Decision::Kind::temporary;
  decision.reason = "good.test: MX look-up failed";
  CHECK(render_reply(decision, question(Profile::tlsrpt)) == "TEMP good.test: MX look-up failed");
  CHECK(render_reply(secure(head() + "mx: *.good.test\n", {"a.good.test", "b.good.test"}),
                     question(Profile::compat)) ==
        "OK secure match=a.good.test:b.good.test servername=hostname");
  CHECK(render_reply(secure(head() + "mx: *.good.test\n"), question(Profile::compat)) ==
        "OK secure match=no-mx-matches-policy.invalid servername=hostname");
}

TEST_CASE("S35 R3 R6 the tlsrpt profile: patterns for Postfix and for the report") {
  const auto reply =
      render_reply(secure("version: STSv1\r\nmode: enforce\r\nmx: MX1.good.test\r\nmx: "
                          "*.good.test\r\nmax_age: 86400\r\nnote: x\r\n"),
                   question(Profile::tlsrpt));
  CHECK(reply ==
        "OK secure match=mx1.good.test:.good.test servername=hostname policy_type=sts "
        "policy_domain=good.test "
        "{ policy_string = version: STSv1 } { policy_string = mode: enforce } { policy_string = "
        "mx: mx1.good.test } "
        "{ policy_string = mx: *.good.test } { policy_string = max_age: 86400 } "
        "mx_host_pattern=mx1.good.test mx_host_pattern=*.good.test");
  CHECK(parse_tls_policy(reply.substr(3)).ok());
}

TEST_CASE("P-27 P-28 what can match no host is reported, but not given to match=") {
  const auto reply =
      render_reply(secure(head() + "mx: 192.0.2.1\nmx: hostname\nmx: mx.good.test\n"),
                   question(Profile::tlsrpt));
  const auto policy = parse_tls_policy(reply.substr(3));
  REQUIRE(policy.ok());
  CHECK(policy->match == std::vector<std::string>{"mx.good.test"});
  CHECK(policy->mx_host_pattern.size() == 3);
}

TEST_CASE("A-14 a reply too long for Postfix drops policy strings but the first") {
  std::string body = head();
  for (int n = 0; n < 512; ++n)
    body += "mx: " + std::string(25, 'a') + std::to_string(n) + ".example-of-a-long-domain.test\n";
  const auto reply = render_reply(secure(body), question(Profile::tlsrpt));
  REQUIRE(reply.starts_with("OK "));
  CHECK(reply.size() <= 90'003);
  const auto policy = parse_tls_policy(reply.substr(3));
  REQUIRE(policy.ok());
  CHECK(policy->policy_string == std::vector<std::string>{"version: STSv1"});
  CHECK(policy->mx_host_pattern.size() == 512);
}

TEST_CASE("A-14 a reply that is too long all the same is TEMP, never cut") {
  std::string body = head();
  const std::string label(63, 'a');
  for (int n = 0; n < 300; ++n)
    body += "mx: " + label + "." + label + "." + label + "." + std::to_string(n) + ".test\n";
  const auto reply = render_reply(secure(body), question(Profile::tlsrpt));
  CHECK(reply == "TEMP good.test: policy cannot be written as a reply");
}

TEST_CASE("A-15 A-16 nothing unprintable, nothing long in a reason") {
  CHECK(render_temporary("a\nb\x1b[31m\x7f\xc3\xbc") == "TEMP a?b?[31m???");
  CHECK(render_temporary(std::string(200, 'x')) == "TEMP " + std::string(200, 'x'));
  CHECK(render_temporary(std::string(1000, 'x')) == "TEMP " + std::string(197, 'x') + "...");
}
