#include "postfix/map_table.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace tlspolicyd;
using postfix::MapTable;
using service::Profile;

namespace {

struct Lines {
  int count = 0;
  base::Log log{base::Severity::warning, base::Log::Format::text, [this](auto, auto) { ++count; }};
};

}  // namespace

TEST_CASE("decisions, Who asks: the name of the map selects the profile") {
  Lines lines;
  MapTable maps({{.name = "strict", .profile = Profile::tlsrpt, .enforce_testing = true}});
  CHECK(maps.find("postfix", lines.log).profile == Profile::compat);
  CHECK(maps.find("QUERY", lines.log).profile == Profile::compat);
  CHECK(maps.find("postfix-tlsrpt", lines.log).profile == Profile::tlsrpt);
  CHECK(maps.find("QUERYwithTLSRPT", lines.log).profile == Profile::tlsrpt);
  CHECK(maps.find("strict", lines.log).enforce_testing);
  CHECK(maps.find("dsn", lines.log).kind == MapTable::Map::Kind::delivery_status);
  CHECK(maps.find("strict", lines.log).kind == MapTable::Map::Kind::policy);
  CHECK(lines.count == 0);
}

TEST_CASE("a map of the operator's takes the place of a built-in one; each name is there once") {
  Lines lines;
  MapTable maps({{.name = "postfix", .profile = Profile::tlsrpt}});
  CHECK(maps.find("postfix", lines.log).profile == Profile::tlsrpt);
  const auto names = maps.names();
  CHECK(std::count(names.begin(), names.end(), "postfix") == 1);
  CHECK(names.size() == MapTable().names().size());
}

TEST_CASE("any other name is compat, with one warning per name and a bound on their number") {
  Lines lines;
  MapTable maps;
  for (int n = 0; n < 3; ++n) CHECK(maps.find("sts", lines.log).profile == Profile::compat);
  CHECK(lines.count == 1);
  for (int n = 0; n < 1000; ++n) maps.find("name" + std::to_string(n), lines.log);
  CHECK(lines.count == 100);
}
