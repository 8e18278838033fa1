#include "config/derived.h"

#include <doctest/doctest.h>

#include "net/resolv_conf.h"

using namespace tlspolicyd;
using namespace tlspolicyd::config;

TEST_CASE(
    "D4 open files: each DNS question has a socket per attempt, listening too, and one per "
    "server") {
  Config config;
  const auto usual = open_files(config);
  const auto questions = config.resolver.in_flight;
  CHECK(usual > (2 * config.resolver.attempts + net::ResolvConf::kMaxServers) * questions);
  config.resolver.attempts += 7;
  CHECK(open_files(config) == usual + 14 * questions);
  config.resolver.servers = {*base::Endpoint::parse("127.0.0.1:53"),
                             *base::Endpoint::parse("127.0.0.2:53")};
  CHECK(open_files(config) == usual + (14 + 2 - net::ResolvConf::kMaxServers) * questions);
}
