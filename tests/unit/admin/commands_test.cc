#include "admin/commands.h"

#include <doctest/doctest.h>

#include <set>

#include "bench.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;
using base::seconds;
using nlohmann::json;

TEST_CASE("requests that cannot be served are told why") {
  Bench bench;
  struct Row {
    const char* method;
    const char* path;
    std::map<std::string, std::string, std::less<>> query;
    const char* wanted;
  };
  const Row rows[] = {
      {"GET", "/", {}, "404 no such command"},
      {"GET", "/status/", {}, "404 no such command"},
      {"POST", "/status", {}, "405 /status is for GET"},
      {"GET", "/forget", {{"domain", "a.test"}}, "405 /forget is for POST"},
      {"GET", "/refresh", {{"domain", "a.test"}}, "405 /refresh is for POST"},
      {"GET", "/show", {}, "400 domain= is missing"},
      {"GET", "/show", {{"domain", "test"}}, "400 domain: a single label is no policy domain"},
      {"GET", "/show", {{"domain", "a.test"}}, "404 nothing is known of a.test"},
      {"POST", "/forget", {{"domain", "a.test"}}, "404 nothing is known of a.test"},
      {"POST", "/forget", {}, "400 domain= is missing"},
      {"POST", "/refresh", {}, "400 domain= is missing"},
      {"GET", "/explain", {}, "400 domain= is missing"},
      {"GET", "/list", {{"mode", "strict"}}, "400 mode: enforce, testing or none is expected"},
      {"GET", "/list", {{"limit", "0"}}, "400 limit: a whole number from 1 to 1000 is expected"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CHECK(bench.request(row.method, row.path, row.query)->error() == row.wanted);
  }
}

TEST_CASE("a page in a browser has no say") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  const net::HttpRequest asked{.method = "POST",
                               .path = "/forget",
                               .query = {{"domain", "a.example"}},
                               .body = {},
                               .from_page = true};
  const auto handling = bench.commands.handle(asked, [](auto) {});
  CHECK(handling.reply->status == 403);
  CHECK(bench.book.policies() == 1);
}

TEST_CASE(
    "DNS rebinding: over TCP the Host is an address or localhost, over a unix socket anything") {
  Bench bench;
  struct Row {
    const char* host;
    bool over_unix;
    int status;
  };
  const Row rows[] = {{"evil.example", false, 403}, {"evil.example", true, 200},
                      {"127.0.0.1", false, 200},    {"::1", false, 200},
                      {"localhost", false, 200},    {"", false, 200}};
  for (const char* path : {"/list", "/healthz"}) {
    for (const auto& row : rows) {
      CAPTURE(path);
      CAPTURE(row.host);
      CAPTURE(row.over_unix);
      const net::HttpRequest asked{.method = "GET",
                                   .path = path,
                                   .query = {},
                                   .body = {},
                                   .from_page = false,
                                   .host = row.host,
                                   .over_unix = row.over_unix};
      const auto handling = bench.commands.handle(asked, [](auto) {});
      REQUIRE(handling.reply);
      CHECK(handling.reply->status == row.status);
    }
  }
}

TEST_CASE("status counts policies by mode, what expired and what cannot be refreshed") {
  Bench bench;
  bench.publish("one.example");
  bench.publish("two.example");
  bench.publish("tries.example", "1", "testing");
  for (const char* domain : {"one.example", "two.example", "tries.example", "nothing.example"})
    bench.ask(domain);
  auto status = bench.get("/status").body;
  CHECK(status["policies"] == json{{"enforce", 2}, {"testing", 1}, {"none", 0}, {"expired", 0}});
  CHECK(status["negatives"] == 1);
  CHECK(status["cache"]["bytes"] == bench.book.bytes());
  CHECK(status["cache"]["bytes"] > 2000);
  CHECK(status["cache"]["limit_bytes"] == std::size_t{256} << 20);
  CHECK(status["uptime"] == 4);
  CHECK(status["disk"]["ok"] == true);
  CHECK(status["refresh"] == json{{"under_way", 0}, {"failing", 0}});
  CHECK(status["endpoints"] ==
        json{{{"service", "socketmap"}, {"endpoint", "inet:127.0.0.1:8461"}}});

  bench.network.set_https("mta-sts.two.example",
                          {.outcome = base::Error{base::Fault::connect, "connection refused"}});
  bench.time.pass(seconds{86400 + 9000});
  status = bench.get("/status").body;
  CHECK(status["refresh"]["failing"] == 1);
  CHECK(status["refresh"]["oldest_failing"]["domain"] == "two.example");

  bench.time.pass(seconds{6 * 86400});
  status = bench.get("/status").body;
  CHECK(status["policies"]["enforce"] == 1);
  CHECK(status["policies"]["expired"] == 1);
  CHECK(status["refresh"]["failing"] == 0);
}

TEST_CASE("status: the answers by kind are as many as there are") {
  Bench bench;
  bench.publish("one.example");
  postfix::LastPolicy last;
  for (const char* request :
       {"postfix one.example", "postfix one.example", "postfix .one.example", "dsn 2.0.0 ok"}) {
    std::string out;
    const auto response = bench.responder.respond(request, last, out, [](auto) {});
    bench.time.pass(seconds{1});
  }
  const auto answers = bench.get("/status").body["answers"];
  const auto sum = [&](std::initializer_list<const char*> keys) {
    std::uint64_t all = 0;
    for (const char* key : keys) all += answers.at(key).get<std::uint64_t>();
    return all;
  };
  CHECK(answers["all"] == 4);
  CHECK(sum({"settled", "live", "overruled", "no-domain", "delivery-status"}) == 4);
  CHECK(sum({"secure", "dane-only", "notfound", "temp", "operator", "explained"}) == 4);
}

TEST_CASE("status tells of a file that is wrong, and of keys that wait for a restart") {
  Bench bench;
  auto configuration = bench.get("/status").body["configuration"];
  CHECK_FALSE(configuration.contains("mistake"));
  CHECK(configuration["awaits_restart"].empty());
  bench.facts.mistake = "/etc/tlspolicyd/tlspolicyd.yaml:2: lisen: unknown key";
  bench.facts.awaits_start = {"listen", "cache.path"};
  configuration = bench.get("/status").body["configuration"];
  CHECK(configuration["mistake"] == "/etc/tlspolicyd/tlspolicyd.yaml:2: lisen: unknown key");
  CHECK(configuration["awaits_restart"] == json{"listen", "cache.path"});
}

TEST_CASE("status says since when and why the disk fails") {
  Bench bench;
  bench.store.set_health(fakes::FakeStore::Health::full);
  bench.publish("one.example");
  bench.ask("one.example");
  const auto disk = bench.get("/status").body["disk"];
  CHECK(disk["ok"] == false);
  CHECK(disk["why"] == "database or disk is full");
  CHECK(disk["unsaved"] == 1);
  CHECK(disk["since"] == "2027-01-15T08:00:00Z");
}

TEST_CASE("the list comes in parts that make a whole") {
  Bench bench;
  std::set<std::string> wanted;
  for (int n = 0; n < 100; ++n) {
    const auto domain = "d" + std::to_string(n) + ".example";
    bench.publish(domain, "1", n % 10 == 0 ? "testing" : "enforce");
    bench.ask(domain);
    wanted.insert(domain);
  }
  std::set<std::string> listed;
  std::uint64_t next = 0;
  int parts = 0;
  do {
    const auto part = bench.get("/list", {{"limit", "7"}, {"from", std::to_string(next)}}).body;
    CHECK(part["policies"].size() < 20);
    for (const auto& policy : part["policies"])
      CHECK(listed.insert(policy["domain"].get<std::string>()).second);
    next = part["next"].get<std::uint64_t>();
    ++parts;
  } while (next != 0);
  CHECK(listed == wanted);
  CHECK(parts > 5);
  CHECK(bench.get("/list", {{"mode", "testing"}}).body["policies"].size() == 10);
  CHECK(bench.get("/list", {{"from", "18446744073709551615"}}).body["next"] == 0);
}

TEST_CASE("show tells all that is remembered of a domain") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  bench.time.pass(seconds{59});
  const auto shown = bench.get("/show", {{"domain", "A.example."}}).body;
  CHECK(shown["domain"] == "a.example");
  CHECK(shown["mode"] == "enforce");
  CHECK(shown["id"] == "1");
  CHECK(shown["applied"] == true);
  CHECK(shown["age"] == 60);
  CHECK(shown["left"] == 604800 - 60);
  CHECK(shown["max_age"] == 604800);
  CHECK(shown["expires_at"] == "2027-01-22T08:00:00Z");
  CHECK(shown["policy"] ==
        json{"version: STSv1", "mode: enforce", "mx: mx.a.example", "max_age: 604800"});
  CHECK(shown["txt"] == json{{"absence", nullptr}, {"denied_by_dnssec", false}, {"check_in", 240}});
  CHECK(shown["mx"]["hosts"] == json{{{"name", "mx.a.example"}, {"pattern", "mx.a.example"}}});
  CHECK(shown["failed_fetches"].empty());
}

TEST_CASE("decision 13: show and list tell the operator's word") {
  Bench bench;
  const auto name = [](const char* text) { return base::DomainName::parse(text).value(); };
  bench.configured.overrides.set_off(name("off.example"));
  REQUIRE(bench.configured.overrides.set_policy(name("own.example"), "secure match=mx.a.b").ok());
  bench.configured.inquiry.pinned = {"pinned.example"};
  bench.configured.dane.domains["dane.example"] = service::DaneMode::off;
  struct Row {
    const char* domain;
    json word;
  };
  const Row rows[] = {{"off.example", {{"word", "off"}}},
                      {"own.example", {{"word", "policy"}, {"policy", "secure match=mx.a.b"}}},
                      {"pinned.example", {{"word", "pinned"}}},
                      {"dane.example", {{"dane", "off"}}}};
  // Also where nothing else is known of the domain.
  for (const auto& row : rows)
    CHECK(bench.get("/show", {{"domain", row.domain}}).body ==
          json{{"domain", row.domain}, {"operator", row.word}, {"observe", false}});
  CHECK(bench.get("/show", {{"domain", "nobody.example"}}).status == 404);
  for (const char* domain :
       {"off.example", "own.example", "pinned.example", "dane.example", "a.example"}) {
    bench.publish(domain);
    bench.ask(domain);
  }
  const auto shown = bench.get("/show", {{"domain", "own.example"}}).body;
  CHECK(shown["mode"] == "enforce");
  CHECK(shown["operator"] == rows[1].word);
  CHECK(bench.get("/show", {{"domain", "a.example"}}).body["operator"] == nullptr);
  std::map<std::string, json> listed;
  const auto list = bench.get("/list").body;
  for (const auto& policy : list["policies"])
    listed[policy["domain"].get<std::string>()] = policy["operator"];
  CHECK(listed.size() == 5);
  for (const auto& row : rows) CHECK(listed[row.domain] == row.word);
  CHECK(listed["a.example"] == nullptr);
}

TEST_CASE("a policy that was just fetched is refreshed in a day, also before that is planned") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  REQUIRE(bench.book.find("a.example")->entry.refresh_at == base::WallTime{});
  CHECK(bench.get("/list").body["policies"][0]["refresh_in"] == 86400 - 1);
  CHECK(bench.get("/show", {{"domain", "a.example"}}).body["refresh_in"] == 86400 - 1);
}

TEST_CASE("show tells why a domain has no policy") {
  Bench bench;
  bench.ask("none.example");
  CHECK(bench.get("/show", {{"domain", "none.example"}}).body["txt"]["absence"] == "no-record");

  bench.publish("broken.example", "7");
  bench.network.set_https("mta-sts.broken.example",
                          {.outcome = base::Error{base::Fault::tls, "no\x1b handshake"}});
  bench.ask("broken.example");
  const auto shown = bench.get("/show", {{"domain", "broken.example"}}).body;
  CHECK_FALSE(shown.contains("mode"));
  CHECK(shown["txt"]["absence"] == "fetch-failed");
  CHECK(shown["failed_fetches"] ==
        json{{{"id", "7"}, {"fault", "tls"}, {"why", "no\\x1b handshake"}, {"retry_in", 299}}});
}

TEST_CASE("forget: in the book and on disk, and said in the log") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  REQUIRE(bench.store.held().contains("a.example"));
  const auto forgotten = bench.post("/forget", "a.example");
  CHECK(forgotten.status == 200);
  CHECK(forgotten.body["durable"] == true);
  CHECK(forgotten.body["policy"]["id"] == "1");
  CHECK_FALSE(bench.store.held().contains("a.example"));
  CHECK(bench.book.policies() == 0);
  CHECK(bench.said ==
        "warning: forgotten, as the operator wishes domain=a.example mode=enforce id=1\n");
  CHECK(bench.post("/forget", "a.example").status == 404);

  bench.ask("none.example");
  CHECK(bench.post("/forget", "none.example").body["policy"] == nullptr);
}

TEST_CASE("forget says that the disk fails, and is made up for when it works again") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  bench.store.set_health(fakes::FakeStore::Health::full);
  CHECK(bench.post("/forget", "a.example").body["durable"] == false);
  CHECK(bench.store.held().contains("a.example"));
  bench.store.set_health(fakes::FakeStore::Health::works);
  bench.time.pass(seconds{60});
  CHECK_FALSE(bench.store.held().contains("a.example"));
}

TEST_CASE("forget waits for a silent disk no longer than 5 s") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  bench.store.set_health(fakes::FakeStore::Health::silent);
  const auto began = bench.time.steady();
  CHECK(bench.post("/forget", "a.example").body["durable"] == false);
  CHECK(bench.time.steady() - began == seconds{5});
}

TEST_CASE("forget: not while a newer policy is on its way to the disk") {
  Bench bench;
  bench.store.set_delay(seconds{3});
  bench.publish("a.example");
  const auto asked =
      bench.service.ask({base::DomainName::parse("a.example").value(), {}}, [](const auto&) {});
  bench.time.pass(seconds{1});
  CHECK(bench.post("/forget", "a.example").error() ==
        "409 something is under way for a.example: try again in a moment");
}

TEST_CASE("refresh says what came of it") {
  Bench bench;
  bench.publish("a.example");
  auto told = bench.post("/refresh", "a.example").body;
  CHECK(told["outcome"] == "fetched");
  CHECK(told["why"] == "a policy that was not known");
  CHECK(told["policy"]["id"] == "1");

  told = bench.post("/refresh", "a.example").body;
  CHECK(told["outcome"] == "held-back");
  CHECK(told["why"] == "fetched a moment ago: not again for 60 s");

  bench.time.pass(seconds{61});
  CHECK(bench.post("/refresh", "a.example").body["why"] == "the policy is the same");
  bench.time.pass(seconds{61});
  bench.publish("a.example", "2", "testing");
  told = bench.post("/refresh", "a.example").body;
  CHECK(told["why"] == "the policy has changed");
  CHECK(told["policy"]["mode"] == "testing");

  bench.time.pass(seconds{61});
  bench.network.set_https("mta-sts.a.example",
                          {.outcome = base::Error{base::Fault::connect, "connection refused"}});
  told = bench.post("/refresh", "a.example").body;
  CHECK(told["outcome"] == "failed");
  CHECK(told["why"] == "connection refused");
  CHECK(told["policy"]["id"] == "2");
  told = bench.post("/refresh", "a.example").body;
  CHECK(told["outcome"] == "held-back");
  CHECK(told["why"] == "the last fetch failed: connection refused; not again for 300 s");

  told = bench.post("/refresh", "none.example").body;
  CHECK(told["outcome"] == "no-policy");
  CHECK(told["why"] == "no-record");
  CHECK_FALSE(told.contains("policy"));
}

TEST_CASE(
    "decisions 27: refresh drops what is held of MX hosts, also where nothing may be fetched") {
  Bench bench;
  bench.publish("a.example");
  const base::DomainName domain = base::DomainName::parse("a.example").value();
  const auto asked = bench.service.ask({domain, {}}, [](const auto&) {});
  bench.time.pass(seconds{1});
  const auto mx_questions = [&] {
    return bench.network.dns_questions({"a.example", net::RecordType::mx});
  };
  REQUIRE(bench.book.find("a.example")->mx->is_fresh(bench.time));
  REQUIRE(mx_questions() == 1);
  CHECK(bench.post("/refresh", "a.example").body["outcome"] == "held-back");
  CHECK_FALSE(bench.book.find("a.example")->mx->is_fresh(bench.time));
  const auto again = bench.service.ask({domain, {}}, [](const auto&) {});
  bench.time.pass(seconds{1});
  CHECK(mx_questions() == 2);
}

TEST_CASE("refresh: not beside a look-up, and it goes on when nobody waits any more") {
  Bench bench;
  bench.publish("a.example");
  const net::HttpRequest asked{.method = "POST",
                               .path = "/refresh",
                               .query = {{"domain", "a.example"}},
                               .body = {},
                               .from_page = false};
  bool told = false;
  {
    const auto handling = bench.commands.handle(asked, [&](auto) { told = true; });
    REQUIRE(handling.waiting);
    CHECK(bench.commands.handle(asked, [](auto) {}).reply->status == 409);
  }
  bench.time.pass(seconds{60});
  CHECK_FALSE(told);
  CHECK(bench.book.policies() == 1);
}

TEST_CASE("explain: what is found, beside what is remembered; it changes neither") {
  Bench bench;
  bench.publish("a.example");
  auto told = bench.get("/explain", {{"domain", "a.example"}}).body;
  CHECK(told["result"] == "protected");
  CHECK(told["cached"] == nullptr);
  CHECK_FALSE(told.contains("text"));
  CHECK(bench.book.policies() + bench.book.negatives() == 0);

  bench.ask("a.example");
  bench.publish("a.example", "2", "testing");
  told = bench.get("/explain", {{"domain", "[a.example]:587"}, {"text", "1"}}).body;
  CHECK(told["result"] == "unprotected");
  CHECK(told["cached"]["mode"] == "enforce");
  CHECK(told["cached"]["id"] == "1");
  CHECK(told["txt"]["id"] == "2");
  const auto text = told["text"].get<std::string>();
  CHECK(text.find("\ncached     mode enforce, id 1, fetched 1 s ago, applied for another 604799 s\n"
                  "           the TXT record names 2 by now\n") != std::string::npos);
  CHECK(bench.get("/show", {{"domain", "a.example"}}).body["id"] == "1");
}

TEST_CASE("explain: what is to be asked of MX hosts, by the daemon's own settings") {
  Bench bench;
  bench.publish("a.example");
  bench.configured.ca_file = "/etc/ours.pem";
  bench.configured.name_servers = {base::Endpoint::parse("127.0.0.1:53").value()};
  bench.configured.overrides.set_off(base::DomainName::parse("off.example").value());
  auto told = bench.get("/explain", {{"domain", "a.example"}, {"connect", "1"}}).body;
  CHECK(told["configuration"] == "/etc/tlspolicyd/tlspolicyd.yaml");
  CHECK(told["probe"]["ca_file"] == "/etc/ours.pem");
  CHECK(told["probe"]["name_servers"] == json{"127.0.0.1:53"});
  CHECK(told["probe"]["plan"]["demand"]["kind"] == "certificate");
  CHECK(told["probe"]["plan"]["hosts"][0]["name"] == "mx.a.example");
  // Also where no answer needs the MX hosts.
  bench.publish("none.example", "1", "none");
  net::DnsAnswer gone;
  gone.kind = net::DnsAnswer::Kind::no_such_name;
  bench.network.set_dns({"_mta-sts.none.example", net::RecordType::txt},
                        {.outcome = base::Result(gone)});
  told = bench.get("/explain", {{"domain", "none.example"}, {"connect", "1"}}).body;
  CHECK(told["probe"]["plan"]["demand"]["kind"] == "nothing");
  CHECK(told["probe"]["plan"]["hosts"][0]["name"] == "mx.none.example");
  CHECK_FALSE(bench.get("/explain", {{"domain", "a.example"}}).body.contains("probe"));
}

TEST_CASE("explain: so many at a time, and those whose client left do not count") {
  Bench bench;
  bench.network.set_dns({"_mta-sts.silent.example", net::RecordType::txt}, {.outcome = {}});
  const net::HttpRequest asked{.method = "GET",
                               .path = "/explain",
                               .query = {{"domain", "silent.example"}},
                               .body = {},
                               .from_page = false};
  std::vector<net::HttpServer::Handling> running;
  for (std::size_t n = 0; n < Commands::kMostExplained; ++n)
    running.push_back(bench.commands.handle(asked, [](auto) {}));
  CHECK(bench.commands.handle(asked, [](auto) {}).reply->status == 503);
  running.pop_back();
  CHECK(bench.commands.handle(asked, [](auto) {}).waiting);
}
