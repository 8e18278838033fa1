#include "sts/policy.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tlspolicyd::sts {
namespace {

TEST_CASE("S13 the words for the modes are read and written, case-sensitively") {
  for (auto mode : {Mode::enforce, Mode::testing, Mode::none}) {
    CAPTURE(name_of(mode));
    REQUIRE(mode_of(name_of(mode)).has_value());
    CHECK(*mode_of(name_of(mode)) == mode);
  }
  CHECK(name_of(Mode::enforce) == "enforce");
  CHECK(name_of(Mode::testing) == "testing");
  CHECK(name_of(Mode::none) == "none");
  for (std::string_view word : {"", "Enforce", "enforced", "report", "none "})
    CHECK_FALSE(mode_of(word).has_value());
}

TEST_CASE("R3, R4 policy lines are written anew from the values, in the order of the file") {
  const Policy policy{Mode::enforce,
                      std::chrono::seconds(86400),
                      {*MxPattern::parse("MAIL.example.com."), *MxPattern::parse("*.example.net")},
                      "xvamx"};
  const std::vector<std::string> expected = {"mx: mail.example.com", "version: STSv1",
                                             "max_age: 86400", "mode: enforce",
                                             "mx: *.example.net"};
  CHECK(policy_lines(policy) == expected);
}

TEST_CASE("Policy lines of an order that asks for more mx than there are") {
  const Policy policy{Mode::none, std::chrono::seconds(0), {}, "vxm?a"};
  const std::vector<std::string> expected = {"version: STSv1", "mode: none", "max_age: 0"};
  CHECK(policy_lines(policy) == expected);
}

TEST_CASE("Policies differ if any value differs") {
  const Policy policy{Mode::testing, std::chrono::seconds(1), {*MxPattern::parse("a.b")}, "vmax"};
  CHECK(policy == Policy(policy));
  auto other = policy;
  other.mode = Mode::enforce;
  CHECK_FALSE(other == policy);
  other = policy;
  other.max_age += std::chrono::seconds(1);
  CHECK_FALSE(other == policy);
  other = policy;
  other.mx.front() = *MxPattern::parse("*.b");
  CHECK_FALSE(other == policy);
  other = policy;
  other.line_order = "mvax";
  CHECK_FALSE(other == policy);
}

}  // namespace
}  // namespace tlspolicyd::sts
