#include "config/effective.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/read_config.h"
#include "store/redis_connection.h"

using namespace tlspolicyd;
using namespace tlspolicyd::config;

namespace {

std::string text_after_reading(const std::string& text) {
  const auto read = read_config(text);
  for (const auto& mistake : read.mistakes) FAIL_CHECK(text_of(mistake, "text"));
  return text_of(settings_of(read.config));
}

// Every key, none with its default.
const std::string kEverything =
    R"(listen: [inet:127.0.0.1:9000, "inet:[::1]:9000", {path: /run/x, mode: "0666", group: postfix}]
policy_service: [unix:/run/y]
admin: {path: /run/admin, mode: "0600"}
metrics: inet:127.0.0.1:9461
unsatisfiable:
  action: reject
  text: "{domain} is \"broken\": {mx}"
maps: {strict: {profile: tlsrpt, testing: enforce}}
resolver:
  servers: ["127.0.0.1:5353", "[::1]:53"]
  trust_ad: yes
  timeout: 1500ms
  attempts: 5
https:
  port: 8443
  ca_file: /dev/null
  timeout: 2m
  allow_addresses: [127.0.0.0/8, "fd00::/8"]
discovery:
  answer_deadline: 5s
  fetch_deadline: 20s
  on_dns_error: temp
dane:
  mode: always
  mixed: sts
domains: {bank.example: pinned, own.example: {policy: "secure match=mx.own.example:.x.example"}, without.example: {dane: off}, broken.example: off}
observe: true
cache:
  path: /var/lib/x/y.db
  require: true
  policies: 500
  negatives: 300
  memory: 512MiB
refresh:
  interval: 12h
  jitter: 5%
  unused: 90d
limits:
  clients: 10
  fetches: 8
  fetches_per_registered_domain: 2
log:
  level: debug
  format: json
)";

}  // namespace

TEST_CASE("what is written reads as the same configuration") {
  const auto of_defaults = text_of(settings_of(Config{}));
  CAPTURE(of_defaults);
  const auto again = read_config(of_defaults);
  CHECK(again.mistakes.empty());
  auto remarks_gone = settings_of(Config{});
  for (auto& setting : remarks_gone) setting.remark.clear();
  CHECK(text_of(settings_of(again.config)) == text_of(remarks_gone));
}

TEST_CASE("every key is written as it was read, none is left at its default") {
  const auto certificates =
      std::filesystem::temp_directory_path() / ("tlspolicyd-ca-" + std::to_string(getpid()));
  std::ofstream(certificates) << "-----BEGIN CERTIFICATE-----\n";
  std::string text = kEverything;
  text.replace(text.find("/dev/null"), 9, certificates.string());
  // Without hiredis this one key has no other value.
  const std::size_t fixed = store::has_redis() ? 0 : 1;
  if (fixed == 0) text.insert(text.find("cache:\n") + 7, "  shared: redis+unix:///run/redis\n");
  const auto written = text_after_reading(text);
  CHECK(read_config(written).mistakes.empty());
  CHECK(text_after_reading(written) == written);
  const auto changed = changes(Config{}, read_config(text).config);
  CHECK(changed.size() + fixed == settings_of(Config{}).size());
  for (const char* line :
       {"  text: \"{domain} is \\\"broken\\\": {mx}\"\n", "  timeout: 1500ms\n", "  timeout: 2m\n",
        "  interval: 12h\n", "  unused: 90d\n", "admin: {path: /run/admin",
        "{bank.example: pinned, broken.example: off, own.example: {policy: \"secure "
        "match=mx.own.example:.x.example\"}, without.example: {dane: off}}\n"}) {
    CAPTURE(line);
    CAPTURE(written);
    CHECK(written.find(line) != std::string::npos);
  }
  std::filesystem::remove(certificates);
}

TEST_CASE("what has changed is named, and whether it needs a start") {
  const auto before = read_config("resolver: {attempts: 4}\n").config;
  const auto after = read_config("listen: [inet:127.0.0.1:1]\nlog: {level: debug}\n").config;
  std::string said;
  for (const auto& setting : changes(before, after))
    said += setting.name() + "=" + setting.value + (setting.at_start ? " at the start;" : ";");
  CHECK(said == "listen=[inet:127.0.0.1:1] at the start;resolver.attempts=3;log.level=debug;");
  CHECK(changes(after, after).empty());
}

TEST_CASE("to say where one listens by default is a change: inherited sockets do not count") {
  const auto after = read_config("listen: [inet:127.0.0.1:8461]\n").config;
  REQUIRE(changes(Config{}, after).size() == 1);
}
