#include "service/decision.h"

#include <doctest/doctest.h>

#include "sts/policy_file.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using Names = std::vector<std::string>;

namespace {

std::shared_ptr<const sts::StoredPolicy> stored(const std::string& mode, const std::string& mx) {
  const auto policy =
      sts::parse_policy("version: STSv1\nmode: " + mode + "\nmax_age: 86400\n" + mx);
  REQUIRE(policy.ok());
  return std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "id1", *policy, {}));
}

Question question(Terms terms) { return {base::DomainName::parse("example.org").value(), terms}; }

}  // namespace

TEST_CASE("decisions 1 compat: exactly the MX names that the policy allows, in MX order") {
  const auto policy = stored("enforce", "mx: *.example.org\nmx: mx.other.test\n");
  const MxHosts hosts{.names = {"b.example.org", "example.org", "a.b.example.org", "mx.other.test",
                                "a.example.org"}};
  const auto decision = apply(policy, question({}), &hosts);
  CHECK(decision.kind == Decision::Kind::secure);
  CHECK(decision.mx_names == Names{"b.example.org", "mx.other.test", "a.example.org"});
}

TEST_CASE("decisions 1 compat: at most 64 names") {
  MxHosts hosts;
  for (int n = 0; n < 100; ++n) hosts.names.push_back("mx" + std::to_string(n) + ".example.org");
  const auto decision = apply(stored("enforce", "mx: *.example.org\n"), question({}), &hosts);
  CHECK(decision.mx_names.size() == 64);
  CHECK(decision.mx_names.front() == "mx0.example.org");
}

TEST_CASE("decisions 9: a bracketed next-hop is its own only MX host") {
  CHECK(apply(stored("enforce", "mx: example.org\n"), question({.bracketed = true}), nullptr)
            .mx_names == Names{"example.org"});
  CHECK(apply(stored("enforce", "mx: mx.example.org\n"), question({.bracketed = true}), nullptr)
            .mx_names.empty());
}

TEST_CASE("S39 S40 testing and none are no policy; a map may enforce testing") {
  CHECK(apply(stored("testing", "mx: a.example.org\n"), question({}), nullptr).kind ==
        Decision::Kind::no_policy);
  CHECK(apply(stored("none", ""), question({.enforce_testing = true}), nullptr).kind ==
        Decision::Kind::no_policy);
  const MxHosts hosts{.names = {"a.example.org"}};
  CHECK(apply(stored("testing", "mx: a.example.org\n"), question({.enforce_testing = true}), &hosts)
            .kind == Decision::Kind::secure);
}

TEST_CASE("MX hosts are needed for the compat profile of an enforced policy only") {
  const auto enforce = stored("enforce", "mx: a.example.org\n")->policy;
  const auto testing = stored("testing", "mx: a.example.org\n")->policy;
  CHECK(needs_mx_hosts(enforce, {}));
  CHECK_FALSE(needs_mx_hosts(enforce, {.profile = Profile::tlsrpt}));
  CHECK_FALSE(needs_mx_hosts(enforce, {.bracketed = true}));
  CHECK_FALSE(needs_mx_hosts(testing, {}));
  CHECK(needs_mx_hosts(testing, {.enforce_testing = true}));
}
