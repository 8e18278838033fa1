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
cache: {path: /var/lib/x/y.db, require: true, policies: 500, negatives: 300}
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
       "2: https.port: a whole number from 1 to 65535 is expected, not \"70000\"\n"},
      {"https:\n  port: 010",
       "2: https.port: a whole number from 1 to 65535 is expected, not \"010\"\n"},
      {"https: 443", "1: https: keys are expected below it\n"},
      {"https:\n  timeout: 30",
       "2: https.timeout: a duration is a number with a unit: 500ms, 10s, 5m, 24h, 180d, not "
       "\"30\"\n"},
      {"https:\n  allow_addresses: [10.0.0.1/8]",
       "2: https.allow_addresses: address bits are set beyond the prefix length, not "
       "\"10.0.0.1/8\"\n"},
      {"https:\n  ca_file: /nonexistent",
       "2: https.ca_file: a readable file is expected (No such file or directory), not "
       "\"/nonexistent\"\n"},
      {"resolver: {servers: 127.0.0.1}",
       "1: resolver.servers: a list is expected, such as [a, b]\n"},
      {"resolver: {servers: [ns.example]}",
       "1: resolver.servers: not an IP address, not \"ns.example\"\n"},
      {"resolver: {trust_ad: maybe}",
       "1: resolver.trust_ad: one of auto, yes, no is expected, not \"maybe\"\n"},
      {"listen: [tcp:1]",
       "1: listen: an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH, not \"tcp:1\"\n"},
      {"policy_service: [tcp:1]",
       "1: policy_service: an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH, not "
       "\"tcp:1\"\n"},
      {"policy_service:\n- {mode: 0600}", "2: policy_service: path is missing\n"},
      {"admin: /run/x",
       "1: admin: an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH, not \"/run/x\"\n"},
      {"admin: [unix:/run/x]", "1: admin: one endpoint is expected, or \"\" for none\n"},
      {"metrics:", "1: metrics: one endpoint is expected, or \"\" for none\n"},
      {"admin: {path: /run/x, mode: 999}",
       "1: admin.mode: a file mode is octal, such as 0660, not \"999\"\n"},
      {"unsatisfiable: {action: bounce}",
       "1: unsatisfiable.action: one of dunno, warn, defer, reject is expected, not "
       "\"bounce\"\n"},
      {"unsatisfiable: {text: \"{host}\"}",
       "1: unsatisfiable.text: in braces only {domain}, {id}, {policy}, {mx} are known, not "
       "\"{host}\"\n"},
      {"observe: true\nlisten: []", "2: listen: at least one endpoint is needed\n"},
      {"listen: [{mode: 0660}]", "1: listen: path is missing\n"},
      {"listen: [{path: relative}]",
       "1: listen.path: the path of a unix socket begins with /, not \"relative\"\n1: listen: path "
       "is missing\n"},
      {"maps:\n  strict: {profile: new}",
       "2: maps.strict.profile: one of compat, tlsrpt is expected, not \"new\"\n"},
      {"discovery: {on_dns_error: defer}",
       "1: discovery.on_dns_error: one of notfound, temp is expected, not \"defer\"\n"},
      {"discovery: {fetch_deadline: 90s}",
       "1: discovery.fetch_deadline: at most 80s, since Postfix waits 100 s\n"},
      {"discovery:\n  fetch_deadline: 5s",
       "2: discovery.answer_deadline: must not be longer than discovery.fetch_deadline\n"},
      {"discovery:\n  on_dns_error: temp\n  answer_deadline: 40s",
       "3: discovery.answer_deadline: must not be longer than discovery.fetch_deadline\n"},
      {"log: {level: loud}",
       "1: log.level: one of debug, info, warning, error is expected, not \"loud\"\n"},
      {"- a\n- b", "1: the file must be a map of keys\n"},
      {"limits: {clients: 0}",
       "1: limits.clients: a whole number from 1 to 1000000 is expected, not \"0\"\n"},
      {"dane: {mode: on}", "1: dane.mode: one of gate, always, off is expected, not \"on\"\n"},
      {"dane: {mixed: dane}", "1: dane.mixed: one of dane-only, sts is expected, not \"dane\"\n"},
      {"domains:\n  a b.example: {dane: off}",
       "2: domains.a b.example.dane: control character or space in the next-hop, not "
       "\"off\"\n"},
      {"domains:\n  x.example: {dnae: off}",
       "2: domains.x.example.dnae: unknown key; did you mean dane?\n"},
      {"domains:\n  x.example: broken",
       "2: domains.x.example: off, pinned or {policy: ...} is expected, not \"broken\"\n"},
      {"domains:\n  com: off", "2: domains.com: a single label is no policy domain, not \"off\"\n"},
      {"domains:\n  x.example: {policy: \"secure mach=x\"}",
       "2: domains.x.example.policy: invalid attribute name: \"mach\", not \"secure mach=x\"\n"},
      {"cache: {path: cache.db}",
       "1: cache.path: the absolute path of a file is expected, not \"cache.db\"\n"},
      {"cache: {require: always}",
       "1: cache.require: one of true, false is expected, not \"always\"\n"},
      {"cache: {polices: 5}", "1: cache.polices: unknown key; did you mean policies?\n"},
      {"cache: {negatives: 0}",
       "1: cache.negatives: a whole number from 1 to 10000000 is expected, not \"0\"\n"},
      {"refresh: {interval: 1s}",
       "1: refresh.interval: from 300 to 2592000 s is expected, not \"1s\"\n"},
      {"refresh: {jitter: 60%}", "1: refresh.jitter: from 0% to 50% is expected, not \"60%\"\n"},
      {"refresh: {jitter: 10}", "1: refresh.jitter: from 0% to 50% is expected, not \"10\"\n"},
      {"refresh: {unused: 1h}",
       "1: refresh.unused: from 86400 to 31622400 s is expected, not \"1h\"\n"},
      {"foo: 1",
       "1: foo: unknown key; known here: listen, policy_service, admin, metrics, unsatisfiable, "
       "maps, resolver, https, discovery, dane, domains, observe, cache, refresh, limits, log\n"},
      {"log:\n  level: info\nlog:\n  level: debug", "3: log: given twice\n"},
      {"[a]: 1", "1: a key must be a word\n"},
      {"https:\n  [a]: 1", "2: https: a key must be a word\n"},
      {"observe: true\n---\nlisen: []", "3: only one document is expected (---)\n"},
      {"observe: yes", "1: observe: one of true, false is expected, not \"yes\"\n"},
      {"observe: [true]", "1: observe: a single value is expected\n"},
      {"metrics: 9461",
       "1: metrics: an endpoint is inet:HOST:PORT, inet:[V6]:PORT or unix:/PATH, not \"9461\"\n"},
      {"listen: [inet:127.0.0.1:0]",
       "1: listen: a port is a number from 1 to 65535, not \"inet:127.0.0.1:0\"\n"},
      {"listen: [{path: /x, mode: 8}]",
       "1: listen.mode: a file mode is octal, such as 0660, not \"8\"\n"},
      {"resolver: {attempts: 11}",
       "1: resolver.attempts: a whole number from 1 to 10 is expected, not \"11\"\n"},
      {"resolver: {timeout: 0s}",
       "1: resolver.timeout: a duration must be greater than zero, not \"0s\"\n"},
      {"https: {ca_file: /dev/null}",
       "1: https.ca_file: a readable file is expected (it has no PEM certificate), not "
       "\"/dev/null\"\n"},
      {"https: {ca_file: /}",
       "1: https.ca_file: a readable file is expected (Is a directory), not \"/\"\n"},
      {"maps: {other: {testing: enforce}}",
       "1: maps.other: metrics count by this name what is asked in maps that nobody defined\n"},
      {"maps: {strict: {testing: yes}}",
       "1: maps.strict.testing: one of enforce, notfound is expected, not \"yes\"\n"},
      {"domains:\n  x.example:\n",
       "2: domains.x.example: off, pinned or {policy: ...} is expected\n"},
      {"domains:\n  x.example: off\n  X.example: pinned",
       "3: domains.X.example: the same domain as x.example, not \"pinned\"\n"},
      {"domains:\n  x.example: off\n  x.example: pinned", "3: domains.x.example: given twice\n"},
      {"domains: {x.example: {policy: may}}", ""},
      {"domains: {y.example: {policy: \"secure match=\"}}",
       "1: domains.y.example.policy: attribute has empty value: \"match\", not \"secure "
       "match=\"\n"},
      {"limits: {fetches: 1.5}",
       "1: limits.fetches: a whole number from 1 to 10000 is expected, not \"1.5\"\n"},
      {"log: {format: xml}", "1: log.format: one of text, json is expected, not \"xml\"\n"},
      {"limits: {clients: [1]}", "1: limits.clients: a single value is expected\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(complaints(row.text) == row.complaint);
  }
}

TEST_CASE("all mistakes are told at once, in the order of the file") {
  CHECK(complaints("log: {level: loud}\nobsrve: 1\nlimits: {clients: 0}") ==
        "1: log.level: one of debug, info, warning, error is expected, not \"loud\"\n"
        "2: obsrve: unknown key; did you mean observe?\n"
        "3: limits.clients: a whole number from 1 to 1000000 is expected, not \"0\"\n");
}

TEST_CASE("what is no YAML is told with its line") {
  const auto read = read_config("listen: [a\nhttps: {");
  REQUIRE(read.mistakes.size() == 1);
  CHECK(read.mistakes[0].line >= 1);
}

TEST_CASE("a file that is not there is told") {
  const auto read = read_config_file("/nonexistent/tlspolicyd.yaml");
  REQUIRE(read.mistakes.size() == 1);
  CHECK(read.mistakes[0].text == "cannot be read: No such file or directory");
}
