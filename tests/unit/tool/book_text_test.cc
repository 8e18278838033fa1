#include "tool/book_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace tlspolicyd::tool;
using nlohmann::json;

TEST_CASE("durations have two units at most") {
  struct Row {
    std::int64_t seconds;
    const char* wanted;
  };
  const Row rows[] = {
      {0, "0 s"},         {59, "59 s"},         {60, "1 min"},          {3599, "59 min"},
      {3600, "1 h"},      {3661, "1 h 1 min"},  {86399, "23 h 59 min"}, {86400, "1 d"},
      {90000, "1 d 1 h"}, {604799, "6 d 23 h"}, {31557600, "365 d 6 h"}};
  for (const auto& row : rows) {
    CAPTURE(row.seconds);
    CHECK(duration_text(row.seconds) == row.wanted);
  }
}

TEST_CASE("the list is a table") {
  const auto policies = json::parse(R"([
    {"domain": "a.example", "mode": "enforce", "id": "20260101T000000", "age": 3700,
     "left": 601100, "refresh_in": 40000, "failures": 0, "operator": null},
    {"domain": "long-name.example", "mode": "none", "id": "1", "age": 90000, "left": -60,
     "refresh_in": null, "failures": 12, "operator": {"word": "off"}}])");
  CHECK(list_text(policies) ==
        "DOMAIN             MODE     ID               FETCHED        TIME LEFT          "
        "REFRESH IN  FAILED  OPERATOR\n"
        "a.example          enforce  20260101T000000  1 h 1 min ago  6 d 22 h           "
        "11 h 6 min  0       -\n"
        "long-name.example  none     1                1 d 1 h ago    expired 1 min ago  "
        "-           12      off\n");
  CHECK(list_text(json::array()) ==
        "DOMAIN  MODE  ID  FETCHED  TIME LEFT  REFRESH IN  FAILED  OPERATOR\n");
}

TEST_CASE("a domain without policy is shown as such") {
  const auto record = json::parse(R"({
    "domain": "a.example", "used_at": "2026-11-28T16:00:00Z", "replies": [], "operator": null,
    "observe": false,
    "txt": {"absence": "fetch-failed", "denied_by_dnssec": false, "check_in": 299},
    "failed_fetches": [{"id": "7", "fault": "tls", "why": "no\u001b[2J", "retry_in": 299}]})");
  CHECK(record_text(record) ==
        "domain         a.example\n"
        "policy         none is known\n"
        "TXT record     fetch-failed\n"
        "TXT check in   4 min\n"
        "failed         id 7: no\\x1b[2J [tls]; tried again in 4 min\n"
        "last asked     2026-11-28T16:00:00Z\n");
}

TEST_CASE("decision 13: the operator's word is shown before what is remembered") {
  struct Row {
    const char* word;
    const char* line;
  };
  const Row rows[] = {
      {R"({"word": "off"})",
       "operator       off: the answer is \"no policy\", whatever the domain has published\n"},
      {R"({"word": "policy", "policy": "secure match=a.b"})",
       "operator       the answer is \"secure match=a.b\", whatever the domain has published\n"},
      {R"({"word": "pinned"})",
       "operator       pinned: mail is deferred while no policy is known\n"},
      {R"({"dane": "off"})", "operator       DANE for this domain: off\n"}};
  for (const auto& row : rows) {
    CAPTURE(row.word);
    CHECK(record_text(
              {{"domain", "a.example"}, {"observe", false}, {"operator", json::parse(row.word)}}) ==
          std::string("domain         a.example\n") + row.line + "policy         none is known\n");
  }
  CHECK(record_text({{"domain", "a.example"}, {"observe", true}, {"operator", nullptr}})
            .find("operator       observe: true: every answer is \"no policy\"\n") !=
        std::string::npos);
}

TEST_CASE("status: who is served where, sums, and what the file on disk has to do with it") {
  const auto status = json::parse(R"({
    "version": "1", "well": true, "troubles": [], "observe": false, "uptime": 61,
    "configuration": {"file": "/etc/t.yaml", "loaded_at": "2026-11-28T16:00:00Z",
                      "mistake": "/etc/t.yaml:2: lisen: unknown key",
                      "awaits_restart": ["listen", "cache.path"]},
    "endpoints": [{"service": "socketmap", "endpoint": "inet:127.0.0.1:8461"},
                  {"service": "admin", "endpoint": "unix:/run/tlspolicyd/admin"}],
    "policies": {"enforce": 1, "testing": 0, "none": 0, "expired": 0}, "negatives": 2,
    "cache": {"bytes": 3145728, "limit_bytes": 268435456},
    "in_flight": 0, "connections": {"socketmap": 1, "policy_service": 0},
    "answers": {"all": 15, "settled": 5, "live": 4, "overruled": 3, "no-domain": 2,
                "delivery-status": 1, "secure": 6, "dane-only": 0, "notfound": 5, "temp": 0,
                "operator": 3, "explained": 1},
    "disk": {"ok": true, "file": "/var/lib/tlspolicyd/cache.db"}, "shared_cache": null,
    "resolver": {"dnssec": "validates"}, "refresh": {"under_way": 0, "failing": 0}})");
  const auto text = status_text(status);
  CAPTURE(text);
  for (const char* lines :
       {"\nconfiguration  /etc/t.yaml, read at 2026-11-28T16:00:00Z\n"
        "               the file is wrong, what was read before is in force: /etc/t.yaml:2: lisen: "
        "unknown key\n"
        "               counts from the next start on: listen, cache.path\n"
        "listens on     socketmap: inet:127.0.0.1:8461\n"
        "listens on     admin: unix:/run/tlspolicyd/admin\n",
        "\nmemory         3 of 256 MiB\n",
        "\nanswers        15\n"
        "               5 known at once, 4 looked up, 3 by the operator's word, 2 to no domain, 1 "
        "to "
        "delivery statuses\n"
        "               6 secure, 0 dane-only, 5 not found, 0 temporary, 3 by the operator's word, "
        "1 "
        "explained\n"})
    CHECK(text.find(lines) != std::string::npos);
}

TEST_CASE("what was forgotten and refreshed is one line") {
  CHECK(forgotten_text(json::parse(R"({"domain": "a.example", "durable": true, "policy":
            {"mode": "enforce", "id": "7", "age": 61}})")) ==
        "a.example: forgotten its policy of mode enforce, id 7, fetched 1 min ago\n");
  CHECK(
      forgotten_text(json::parse(R"({"domain": "a.example", "durable": true, "policy": null})")) ==
      "a.example: forgotten that it has no policy\n");
  CHECK(refreshed_text(json::parse(
            R"({"domain": "a.example", "outcome": "no-policy", "why": "no-record"})")) ==
        "a.example: no-policy: no-record\n");
}

TEST_CASE("what the daemon would not say is refused") {
  CHECK_THROWS_AS(status_text(json::object()), json::exception);
  CHECK_THROWS_AS(record_text(json::parse(R"({"domain": 1})")), json::exception);
  CHECK_THROWS_AS(list_text(json::parse("[1]")), json::exception);
}
