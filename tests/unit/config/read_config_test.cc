#include "config/read_config.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace tlspolicyd;
using namespace tlspolicyd::config;

namespace {

std::string complaints(const std::string& text) {
  std::string out;
  for (const auto& mistake : read_config(text).mistakes)
    out += fmt::format("{}: {}\n", mistake.line, mistake.text);
  return out;
}

}  // namespace

TEST_CASE("an empty file, or none, is the defaults") {
  const auto read = read_config("");
  CHECK(read.mistakes.empty());
  CHECK(text_of(read.config.listen.at(0)) == "inet:127.0.0.1:8461");
  CHECK(read.config.policy_service.empty());
  CHECK(read.config.unsatisfiable.action == postfix::DelegationRules::Action::warn);
  CHECK(read.config.listen_by_default);
  REQUIRE(read.config.admin.size() == 1);
  CHECK(std::get<net::UnixAddress>(read.config.admin.front()) ==
        net::UnixAddress{"/run/tlspolicyd/admin", 0660, ""});
  CHECK(read.config.admin_by_default);
  CHECK(read.config.metrics.empty());
  CHECK(read.config.https.port == 443);
  CHECK(read.config.discovery.answer_deadline == base::seconds{10});
  CHECK(read.config.discovery.fetch_deadline == base::seconds{30});
  CHECK(read.config.dane.mode == service::DaneMode::gate);
  CHECK(read.config.dane.mixed == dane::Mixed::dane_only);
  CHECK(read.config.cache.path.empty());
  CHECK_FALSE(read.config.cache.require);
  CHECK(read.config.cache.policies == 100'000);
  CHECK(read.config.cache.negatives == 50'000);
  CHECK(read.config.cache.memory == std::size_t{256} << 20);
  CHECK(read.config.refresh.interval == base::seconds{86400});
  CHECK(read.config.refresh.jitter == 10);
  CHECK(read.config.refresh.unused == base::seconds{180 * 86400});
  CHECK(read.config.limits.clients == 4096);
  CHECK(read.config.limits.fetches == 64);
  CHECK(read.config.limits.fetches_per_registered_domain == 4);
  CHECK(read.config.resolver.attempts == 3);
  CHECK(read.config.resolver.timeout == base::seconds{1});
}

TEST_CASE("admin and metrics may be none") {
  const auto read = read_config("admin: \"\"\nmetrics: ''\n");
  CHECK(read.mistakes.empty());
  CHECK(read.config.admin.empty());
  CHECK_FALSE(read.config.admin_by_default);
  CHECK(read.config.metrics.empty());
}

TEST_CASE("every key is read") {
  const auto read = read_config(R"(
listen: [inet:127.0.0.1:9000, "inet:[::1]:9000", {path: /run/x, mode: 0666, group: postfix}]
policy_service: [inet:127.0.0.1:9001]
admin: {path: /run/y, mode: 0600, group: postfix}
metrics: inet:127.0.0.1:9461
unsatisfiable: {action: reject, text: "{domain} is broken"}
maps:
  strict: {profile: tlsrpt, testing: enforce}
resolver:
  servers: ["127.0.0.1:5353", "[::1]", 9.9.9.9]
  trust_ad: yes
  timeout: 2s
  attempts: 5
https:
  port: 8443
  timeout: 20s
  allow_addresses: [127.0.0.0/8, "fd00::/8"]
discovery: {answer_deadline: 5s, fetch_deadline: 20s, on_dns_error: temp}
dane: {mode: always, mixed: sts}
domains:
  Bücher.example: {dane: off}
  other.example: {dane: gate}
  broken.example: off
  bank.example: pinned
  partner.example: {policy: "secure match=mx.partner.example"}
observe: true
cache: {path: /var/lib/x/y.db, require: true, policies: 500, negatives: 300, memory: 512MiB}
refresh: {interval: 12h, jitter: 5%, unused: 90d}
limits: {clients: 10, fetches: 8, fetches_per_registered_domain: 2}
log: {level: debug, format: json}
)");
  for (const auto& mistake : read.mistakes) MESSAGE(mistake.text);
  REQUIRE(read.mistakes.empty());
  const auto& config = read.config;
  CHECK_FALSE(config.listen_by_default);
  REQUIRE(config.listen.size() == 3);
  CHECK(text_of(config.listen[1]) == "inet:[::1]:9000");
  const auto socket = std::get<net::UnixAddress>(config.listen[2]);
  CHECK(socket == net::UnixAddress{"/run/x", 0666, "postfix"});
  REQUIRE(config.policy_service.size() == 1);
  CHECK(text_of(config.policy_service[0]) == "inet:127.0.0.1:9001");
  REQUIRE(config.admin.size() == 1);
  CHECK(std::get<net::UnixAddress>(config.admin.front()) ==
        net::UnixAddress{"/run/y", 0600, "postfix"});
  CHECK_FALSE(config.admin_by_default);
  REQUIRE(config.metrics.size() == 1);
  CHECK(text_of(config.metrics.front()) == "inet:127.0.0.1:9461");
  CHECK(config.unsatisfiable.action == postfix::DelegationRules::Action::reject);
  CHECK(config.unsatisfiable.text == "{domain} is broken");
  CHECK(config.dane.mode == service::DaneMode::always);
  CHECK(config.dane.mixed == dane::Mixed::sts);
  CHECK(config.dane.domains.at("xn--bcher-kva.example") == service::DaneMode::off);
  CHECK(config.overrides.find("broken.example") == "9:NOTFOUND ,");
  CHECK(config.overrides.find("partner.example") == "34:OK secure match=mx.partner.example,");
  CHECK(config.pinned.contains("bank.example"));
  CHECK(config.observe);
  CHECK(config.dane.domains.at("other.example") == service::DaneMode::gate);
  CHECK(config.cache.path == "/var/lib/x/y.db");
  CHECK(config.cache.require);
  CHECK(config.cache.policies == 500);
  CHECK(config.cache.negatives == 300);
  CHECK(config.cache.memory == std::size_t{512} << 20);
  CHECK(config.refresh.interval == base::seconds{12 * 3600});
  CHECK(config.refresh.jitter == 5);
  CHECK(config.refresh.unused == base::seconds{90 * 86400});
  REQUIRE(config.maps.size() == 1);
  CHECK(config.maps[0].name == "strict");
  CHECK(config.maps[0].profile == service::Profile::tlsrpt);
  CHECK(config.maps[0].enforce_testing);
  REQUIRE(config.resolver.servers.size() == 3);
  CHECK(config.resolver.servers[0].text() == "127.0.0.1:5353");
  CHECK(config.resolver.servers[1].text() == "[::1]:53");
  CHECK(config.resolver.servers[2].text() == "9.9.9.9:53");
  CHECK(config.resolver.trust_ad == net::DnsResolver::TrustAd::yes);
  CHECK(config.resolver.timeout == base::seconds{2});
  CHECK(config.resolver.attempts == 5);
  CHECK(config.https.port == 8443);
  CHECK(config.https.timeout == base::seconds{20});
  CHECK(config.https.allow_addresses.size() == 2);
  CHECK(config.discovery.defer_on_dns_error);
  CHECK(config.limits.clients == 10);
  CHECK(config.log.level == base::Severity::debug);
  CHECK(config.log.format == base::Log::Format::json);
}

TEST_CASE("each mistake is told with its line and what is expected") {
  const struct {
    const char* text;
    const char* complaint;
  } rows[] = {
      {"listn: []", "1: listn: unknown key; did you mean listen?\n"},
      {"https:\n  tiemout: 3s", "2: https.tiemout: unknown key; did you mean timeout?\n"},
      {"https: {port: 1, port: 2}", "1: https.port: given twice\n"},
      {"https:\n  port: 70000",
       "2: https.port: \"70000\": a whole number from 1 to 65535 is expected\n"},
      {"https:\n  port: 010",
       "2: https.port: \"010\": a whole number from 1 to 65535 is expected\n"},
      {"https: 443", "1: https: keys are expected below it\n"},
      {"https:\n  timeout: 30",
       "2: https.timeout: \"30\": a duration is a number with a unit: 500ms, 10s, 5m, 24h, 180d\n"},
      {"https:\n  allow_addresses: [10.0.0.1/8]",
       "2: https.allow_addresses: \"10.0.0.1/8\": address bits are set beyond the prefix length\n"},
      {"https:\n  ca_file: /nonexistent",
       "2: https.ca_file: \"/nonexistent\": a readable file is expected (No such file or "
       "directory)\n"},
      {"resolver: {servers: 127.0.0.1}",
       "1: resolver.servers: a list is expected, such as [a, b]\n"},
      {"resolver: {servers: [ns.example]}",
       "1: resolver.servers: \"ns.example\": not an IP address\n"},
      {"resolver: {trust_ad: maybe}",
       "1: resolver.trust_ad: \"maybe\": one of auto, yes, no is expected\n"},
      {"listen: [tcp:1]",
       "1: listen: \"tcp:1\": an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH\n"},
      {"policy_service: [tcp:1]",
       "1: policy_service: \"tcp:1\": an endpoint is inet:HOST:PORT, inet:[V6]:PORT or "
       "unix:/PATH\n"},
      {"policy_service:\n- {mode: 0600}", "2: policy_service: path is missing\n"},
      {"admin: /run/x",
       "1: admin: \"/run/x\": an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH\n"},
      {"admin: [unix:/run/x]", "1: admin: one endpoint is expected, or \"\" for none\n"},
      {"metrics:", "1: metrics: one endpoint is expected, or \"\" for none\n"},
      {"admin: {path: /run/x, mode: 999}",
       "1: admin.mode: \"999\": a file mode is octal, such as 0660\n"},
      {"unsatisfiable: {action: bounce}",
       "1: unsatisfiable.action: \"bounce\": one of dunno, warn, defer, reject is expected\n"},
      {"unsatisfiable: {text: \"{host}\"}",
       "1: unsatisfiable.text: \"{host}\": in braces only {domain}, {id}, {policy}, {mx} are "
       "known\n"},
      {"observe: true\nlisten: []", "2: listen: at least one endpoint is needed\n"},
      {"listen: [{mode: 0660}]", "1: listen: path is missing\n"},
      {"listen: [{path: relative}]",
       "1: listen.path: \"relative\": the path of a unix socket begins with /\n"},
      {"maps:\n  strict: {profile: new}",
       "2: maps.strict.profile: \"new\": one of compat, tlsrpt is expected\n"},
      {"discovery: {on_dns_error: defer}",
       "1: discovery.on_dns_error: \"defer\": one of notfound, temp is expected\n"},
      // network D6: the MX lookup and the DANE gate come after the fetch.
      {"discovery: {fetch_deadline: 71s}",
       "1: discovery.fetch_deadline: at most 70s, since Postfix waits 100 s and MX and DANE "
       "lookups "
       "may take 25 s\n"},
      {"discovery:\n  fetch_deadline: 5s",
       "2: discovery.answer_deadline: must not be longer than discovery.fetch_deadline\n"},
      {"discovery:\n  on_dns_error: temp\n  answer_deadline: 40s",
       "3: discovery.answer_deadline: must not be longer than discovery.fetch_deadline\n"},
      {"log: {level: loud}",
       "1: log.level: \"loud\": one of debug, info, warning, error is expected\n"},
      {"- a\n- b", "1: the file must be a map of keys\n"},
      {"limits: {clients: 0}",
       "1: limits.clients: \"0\": a whole number from 1 to 1000000 is expected\n"},
      {"dane: {mode: on}", "1: dane.mode: \"on\": one of gate, always, off is expected\n"},
      {"dane: {mixed: dane}", "1: dane.mixed: \"dane\": one of dane-only, sts is expected\n"},
      {"domains:\n  a b.example: {dane: off}",
       "2: domains.a b.example: control character or space in the next-hop\n"},
      {"domains:\n  x.example: {dnae: off}",
       "2: domains.x.example.dnae: unknown key; did you mean dane?\n"},
      {"domains:\n  x.example: broken",
       "2: domains.x.example: \"broken\": off, pinned, {policy: ...} or {dane: ...} is expected\n"},
      {"domains:\n  com: off", "2: domains.com: a single label is no policy domain\n"},
      {"domains:\n  x.example: {policy: \"secure mach=x\"}",
       "2: domains.x.example.policy: \"secure mach=x\": invalid attribute name: \"mach\"\n"},
      {"cache: {path: cache.db}",
       "1: cache.path: \"cache.db\": the absolute path of a file is expected\n"},
      {"cache: {require: always}",
       "1: cache.require: \"always\": one of true, false is expected\n"},
      {"cache: {polices: 5}", "1: cache.polices: unknown key; did you mean policies?\n"},
      {"cache: {shard: redis://cache}", "1: cache.shard: unknown key; did you mean shared?\n"},
      {"cache: {shared: cache}",
       "1: cache.shared: redis://HOST:6379/0 or redis+unix:///PATH is expected\n"},
      // It may hold a password, which is not repeated.
      {"cache: {shared: \"redis://:se/cret@cache\"}",
       "1: cache.shared: the number of a database is expected\n"},
      {"cache: {shared: [a]}", "1: cache.shared: a single value is expected\n"},
      {"cache: {negatives: 0}",
       "1: cache.negatives: \"0\": a whole number from 1 to 10000000 is expected\n"},
      {"cache: {memory: 1MiB}", "1: cache.memory: \"1MiB\": expected at least 16MiB\n"},
      {"cache: {memory: 268435456}",
       "1: cache.memory: \"268435456\": expected a number and a unit: 512KiB, 256MiB, 2GiB\n"},
      {"refresh: {interval: 1s}",
       "1: refresh.interval: \"1s\": from 300 to 2592000 s is expected\n"},
      {"refresh: {jitter: 60%}", "1: refresh.jitter: \"60%\": from 0% to 50% is expected\n"},
      {"refresh: {jitter: 10}", "1: refresh.jitter: \"10\": from 0% to 50% is expected\n"},
      {"refresh: {unused: 1h}",
       "1: refresh.unused: \"1h\": from 86400 to 31622400 s is expected\n"},
      {"foo: 1",
       "1: foo: unknown key; known here: listen, policy_service, admin, metrics, unsatisfiable, "
       "maps, resolver, https, discovery, dane, domains, observe, cache, refresh, limits, log\n"},
      {"log:\n  level: info\nlog:\n  level: debug", "3: log: given twice\n"},
      {"[a]: 1", "1: a key must be a word\n"},
      {"https:\n  [a]: 1", "2: https: a key must be a word\n"},
      {"observe: true\n---\nlisen: []", "3: only one document is expected (---)\n"},
      {"observe: yes", "1: observe: \"yes\": one of true, false is expected\n"},
      {"observe: [true]", "1: observe: a single value is expected\n"},
      {"metrics: 9461",
       "1: metrics: \"9461\": an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH\n"},
      {"listen: [inet:127.0.0.1:0]",
       "1: listen: \"inet:127.0.0.1:0\": a port is a number from 1 to 65535\n"},
      {"listen: [{path: /x, mode: 8}]",
       "1: listen.mode: \"8\": a file mode is octal, such as 0660\n"},
      {"resolver: {attempts: 11}",
       "1: resolver.attempts: \"11\": a whole number from 1 to 10 is expected\n"},
      {"resolver: {timeout: 0s}",
       "1: resolver.timeout: \"0s\": a duration must be greater than zero\n"},
      {"https: {ca_file: /dev/null}",
       "1: https.ca_file: \"/dev/null\": a readable file is expected (it has no PEM "
       "certificate)\n"},
      {"https: {ca_file: /}",
       "1: https.ca_file: \"/\": a readable file is expected (Is a directory)\n"},
      {"maps: {other: {testing: enforce}}",
       "1: maps.other: metrics count by this name what is asked in maps that nobody defined\n"},
      {"maps: {strict: {testing: yes}}",
       "1: maps.strict.testing: \"yes\": one of enforce, notfound is expected\n"},
      {"domains:\n  x.example:\n",
       "2: domains.x.example: off, pinned, {policy: ...} or {dane: ...} is expected\n"},
      {"domains:\n  x.example: off\n  X.example: pinned",
       "3: domains.X.example: the same domain as x.example\n"},
      {"domains:\n  x.example: off\n  x.example: pinned", "3: domains.x.example: given twice\n"},
      {"domains: {x.example: {policy: may}}", ""},
      {"domains:\n  x.example:\n    policy: may\n    dane: off",
       "4: domains.x.example.dane: not beside policy, which is the whole answer\n"},
      {"domains:\n  com: {policy: may, dnae: off}",
       "2: domains.com: a single label is no policy domain\n"},
      {"domains: {y.example: {policy: \"secure match=\"}}",
       "1: domains.y.example.policy: \"secure match=\": attribute has empty value: \"match\"\n"},
      {"limits: {fetches: 1.5}",
       "1: limits.fetches: \"1.5\": a whole number from 1 to 10000 is expected\n"},
      {"log: {format: xml}", "1: log.format: \"xml\": one of text, json is expected\n"},
      {"limits: {clients: [1]}", "1: limits.clients: a single value is expected\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(complaints(row.text) == row.complaint);
  }
}

TEST_CASE("all mistakes are told at once, in the order of the file") {
  CHECK(complaints("log: {level: loud}\nobsrve: 1\nlimits: {clients: 0}") ==
        "1: log.level: \"loud\": one of debug, info, warning, error is expected\n2: obsrve: "
        "unknown key; did you mean observe?\n3: limits.clients: \"0\": a whole number from 1 to "
        "1000000 is expected\n");
}

TEST_CASE("what is no YAML is told with its line") {
  CHECK(complaints("observe: true\nlisten: [a\nhttps: {") ==
        "3: a list that begins here or above with [ is not closed with ]\n");
}

TEST_CASE("a file that is not there is told") {
  const auto read = read_config_file("/nonexistent/tlspolicyd.yaml");
  REQUIRE(read.mistakes.size() == 1);
  CHECK(read.mistakes[0].text == "cannot be read: No such file or directory");
}
