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

TEST_CASE("decisions 27: after the MX hosts the policy's other names, then those of the last day") {
  const auto policy = stored("enforce",
                             "mx: z.other.test\nmx: *.example.org\nmx: b.example.org\n"
                             "mx: 192.0.2.1\nmx: localhost\nmx: a.other.test\n");
  const MxHosts hosts{.names = {"mx.attacker.test", "b.example.org", "a.example.org"},
                      .earlier = {{"c.example.org", {}},
                                  {"a.other.test", {}},
                                  {"x.y.example.org", {}},
                                  {"mx.attacker2.test", {}}}};
  CHECK(apply(policy, question({}), &hosts).mx_names ==
        Names{"b.example.org", "a.example.org", "z.other.test", "a.other.test", "c.example.org"});
  SUBCASE("none of them where no MX host conforms") {
    const MxHosts foreign{.names = {"mx.attacker.test"}, .earlier = hosts.earlier};
    const auto decision = apply(policy, question({}), &foreign);
    CHECK(decision.mx_names.empty());
    REQUIRE(decision.elsewhere);
    CHECK(*decision.elsewhere == Names{"mx.attacker.test"});
  }
  SUBCASE("decisions 9: none of them for a bracketed next-hop") {
    CHECK(apply(stored("enforce", "mx: example.org\nmx: b.example.org\n"),
                question({.bracketed = true}), &hosts)
              .mx_names == Names{"example.org"});
  }
  SUBCASE("the patterns are the answer in the other profile") {
    CHECK(apply(policy, question({.profile = Profile::tlsrpt}), &hosts).mx_names.empty());
  }
}

TEST_CASE("decisions 27: at most 64 names in all, the MX hosts first") {
  MxHosts hosts;
  for (int n = 0; n < 60; ++n) hosts.names.push_back("mx" + std::to_string(n) + ".example.org");
  for (int n = 0; n < 16; ++n)
    hosts.earlier.push_back({"old" + std::to_string(n) + ".example.org", {}});
  const auto few =
      apply(stored("enforce", "mx: *.example.org\nmx: a.test\n"), question({}), &hosts);
  CHECK(few.mx_names.size() == 64);
  CHECK(few.mx_names[59] == "mx59.example.org");
  CHECK(few.mx_names[60] == "a.test");
  CHECK(few.mx_names[63] == "old2.example.org");
  std::string many;
  for (int n = 0; n < 100; ++n) many += "mx: n" + std::to_string(n) + ".test\n";
  const auto names =
      apply(stored("enforce", "mx: *.example.org\n" + many), question({}), &hosts).mx_names;
  CHECK(names.size() == 64);
  CHECK(names[63] == "n3.test");
}

TEST_CASE("of the hosts that a policy does not allow 64 are named at most") {
  MxHosts hosts;
  for (int n = 0; n < 100; ++n) hosts.names.push_back("mx" + std::to_string(n) + ".test");
  const auto decision = apply(stored("enforce", "mx: a.example.org\n"), question({}), &hosts);
  REQUIRE(decision.elsewhere);
  CHECK(decision.elsewhere->size() == 64);
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
