#include "tool/running_daemon.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "config/effective.h"

using namespace tlspolicyd;
using namespace tlspolicyd::tool;
using nlohmann::json;

namespace {

json good(const config::Config& config) {
  return {
      {"pid", 4711},
      {"configuration",
       {{"file", "/etc/own.yaml"},
        {"loaded_at", "2026-11-28T16:25:29Z"},
        {"in_force", config::text_of(config::settings_of(config))}}},
      {"endpoints",
       {{{"service", "socketmap"}, {"endpoint", "unix:/var/spool/postfix/tlspolicyd/socketmap"}},
        {{"service", "metrics"}, {"endpoint", "inet:127.0.0.1:9461"}},
        {{"service", "socketmap"}, {"endpoint", "inet:127.0.0.1:8461"}}}},
      {"disk", {{"file", "/srv/state/cache.db"}}}};
}

}  // namespace

TEST_CASE("what a daemon tells of itself is its configuration, and where it really is") {
  config::Config config;
  config.observe = true;
  config.resolver.servers = {base::Endpoint::parse("192.0.2.53", 53).value()};
  config.https.port = 8443;
  const auto told = parse_running_daemon(good(config).dump());
  REQUIRE(told);
  CHECK(told->pid == 4711);
  CHECK(told->file == "/etc/own.yaml");
  CHECK(told->mistakes.empty());
  CHECK(config::text_of(config::settings_of(told->config)).find("observe: true") !=
        std::string::npos);
  CHECK(told->config.cache.path.empty());
  const auto real = told->as_it_is();
  CHECK(real.observe);
  CHECK(real.https.port == 8443);
  CHECK(real.resolver.servers == config.resolver.servers);
  CHECK(real.cache.path == "/srv/state/cache.db");
  REQUIRE(real.listen.size() == 2);
  CHECK(text_of(real.listen[0]) == "unix:/var/spool/postfix/tlspolicyd/socketmap");
}

TEST_CASE("keys that this version does not know are told, the others count") {
  auto status = good({});
  status["configuration"]["in_force"] = "observe: true\nfuture: 1\n";
  const auto told = parse_running_daemon(status.dump());
  REQUIRE(told);
  CHECK(told->config.observe);
  CHECK(told->mistakes.size() == 1);
}

TEST_CASE("a daemon that does not tell all that is needed") {
  CHECK_FALSE(parse_running_daemon(""));
  CHECK_FALSE(parse_running_daemon("[]"));
  for (const char* key : {"pid", "configuration", "endpoints", "disk"}) {
    CAPTURE(key);
    auto status = good({});
    status.erase(key);
    CHECK_FALSE(parse_running_daemon(status.dump()));
    status[key] = {{"x", 1}};
    CHECK_FALSE(parse_running_daemon(status.dump()));
  }
}
