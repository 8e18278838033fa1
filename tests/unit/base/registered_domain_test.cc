#include "base/registered_domain.h"

#include <doctest/doctest.h>

#include <string>

namespace tlspolicyd::base {
namespace {

TEST_CASE("A-12 names of one owner share a registered domain") {
  struct {
    const char* name;
    const char* registered;
  } const rows[] = {
      {"example.com", "example.com"},
      {"a.b.c.example.com", "example.com"},
      {"A.Example.COM.", "example.com"},
      {"a.b.example.co.uk", "example.co.uk"},
      {"_mta-sts.example.org", "example.org"},
      // a public suffix is returned whole
      {"co.uk", "co.uk"},
      {"com", "com"},
      // a top level that is not listed counts as a public suffix (the list's rule *)
      {"a.b.test", "b.test"},
      {"a.b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(registered_domain(*DomainName::parse(row.name)) == row.registered);
  }
}

TEST_CASE("A-12 customers below a private suffix have different owners") {
  const auto one = registered_domain(*DomainName::parse("x.one.github.io"));
  const auto two = registered_domain(*DomainName::parse("x.two.github.io"));
  CHECK(one == "one.github.io");
  CHECK(two == "two.github.io");
}

}  // namespace
}  // namespace tlspolicyd::base
