#include "postfix/overrides.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using postfix::Overrides;

namespace {

base::DomainName name(const char* text) { return base::DomainName::parse(text).value(); }

}  // namespace

TEST_CASE("decision 13: off is NOTFOUND, a literal policy is itself, others are not spoken of") {
  Overrides overrides;
  CHECK(overrides.find("a.test") == "");
  overrides.set_off(name("a.test"));
  CHECK(overrides.set_policy(name("b.test"), "secure match=mx.b.test").ok());
  CHECK(overrides.find("a.test") == "9:NOTFOUND ,");
  CHECK(overrides.find("b.test") == "25:OK secure match=mx.b.test,");
  CHECK(overrides.find("sub.b.test") == "");
}

TEST_CASE("decision 13: a literal policy that Postfix would not understand is refused") {
  Overrides overrides;
  for (const std::string& policy :
       {std::string(), std::string("sekure"), std::string("secure match="),
        std::string("may match=x.test"), std::string("secure\nmay"), std::string(3000, 'x')}) {
    CAPTURE(policy);
    CHECK_FALSE(overrides.set_policy(name("a.test"), policy).ok());
  }
  CHECK(overrides.size() == 0);
}
