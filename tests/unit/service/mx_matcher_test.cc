#include "service/mx_matcher.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace tlspolicyd;

TEST_CASE("S36 a host is allowed exactly where one of the patterns matches it") {
  std::vector<sts::MxPattern> patterns;
  for (const char* text : {"mx.b.test", "*.a.test", "mx.a.b.test", "*.z.test", "192.0.2.1",
                           "localhost", "*.test", "*.b.c.test"})
    patterns.push_back(sts::MxPattern::parse(text).value());
  const service::MxMatcher matcher(patterns);
  for (const char* host : {"mx.b.test", "mx2.b.test", "b.test", "x.a.test", "a.test", "x.y.a.test",
                           "mx.a.b.test", "q.z.test", "192.0.2.1", "localhost", "x.test", "test",
                           "", ".a.test", "x.b.c.test", "b.c.test", "c.test", "*.a.test"}) {
    CAPTURE(host);
    const bool wanted =
        std::any_of(patterns.begin(), patterns.end(),
                    [&](const sts::MxPattern& pattern) { return pattern.matches(host); });
    CHECK(matcher.allows(host) == wanted);
  }
  CHECK_FALSE(service::MxMatcher({}).allows("mx.test"));
}
