#include "admin/observation.h"

#include <doctest/doctest.h>

#include "admin/status_page.h"
#include "bench.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;

namespace {

/// What the endpoint for monitoring replies.
net::HttpReply observe(Bench& bench, const std::string& method, const std::string& path) {
  std::optional<net::HttpReply> reply;
  const net::HttpRequest request{.method = method,
                                 .path = path,
                                 .query = {{"domain", "a.example"}},
                                 .body = {},
                                 .from_page = false};
  auto handling = serve_metrics(request, bench.sources, bench.surveyor,
                                [&](net::HttpReply told) { reply = std::move(told); });
  if (handling.reply) return *handling.reply;
  bench.time.pass_until(base::seconds{60}, [&] { return reply.has_value(); });
  REQUIRE(reply);
  return *reply;
}

/// So many policies, d0.example and so on.
void remember(Bench& bench, int policies) {
  for (int n = 0; n < policies; ++n) {
    const auto domain = base::DomainName::parse("d" + std::to_string(n) + ".example").value();
    sts::Policy policy;
    policy.mode = sts::Mode::enforce;
    policy.max_age = base::seconds{86400};
    bench.book.restore(
        domain,
        std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", policy, bench.time.wall())),
        {}, bench.time.wall());
  }
}

}  // namespace

TEST_CASE("the endpoint for monitoring shows numbers, names no domain and changes nothing") {
  Bench bench;
  bench.publish("a.example");
  bench.ask("a.example");
  for (const char* path : {"/", "/metrics", "/healthz"}) {
    CAPTURE(path);
    const auto reply = observe(bench, "GET", path);
    CHECK(reply.status == 200);
    CHECK(reply.body.find("a.example") == std::string::npos);
    CHECK(observe(bench, "POST", path).status == 405);
  }
  for (const char* path : {"/status", "/list", "/show", "/forget", "/refresh", "/explain", "/x"})
    for (const char* method : {"GET", "POST"}) {
      CAPTURE(path);
      CHECK(observe(bench, method, path).status == 404);
    }
  CHECK(bench.book.policies() == 1);
  CHECK(observe(bench, "GET", "/").body.find("<th>policies: enforce</th><td>1</td>") !=
        std::string::npos);
}

TEST_CASE("what HTML gives a meaning is escaped") {
  CHECK(html_escaped("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST_CASE("a large book is counted in slices, between which others are served") {
  Bench bench;
  remember(bench, 5000);
  std::optional<Census> counted;
  int slices = 0;
  const Survey survey(bench.book, bench.time, bench.time,
                      [&](const Census& census) { counted = census; });
  bench.time.pass_until(base::seconds{1}, [&] { return counted || ++slices > 100; });
  REQUIRE(counted);
  CHECK(counted->enforce == 5000);
  CHECK(slices >= 5);
}

TEST_CASE(
    "who asks while policies are counted shares the count, and the one who leaves is not told") {
  Bench bench;
  remember(bench, 5000);
  const auto turns = [&](std::size_t clients) {
    std::vector<std::size_t> told;
    std::vector<base::OperationPtr> waiting;
    for (std::size_t n = 0; n < clients; ++n)
      waiting.push_back(bench.surveyor.count([&](const Census& c) { told.push_back(c.enforce); }));
    waiting.pop_back();
    int count = 0;
    bench.time.pass_until(base::seconds{1}, [&] { return !told.empty() || ++count > 1000; });
    CHECK(told == std::vector<std::size_t>(clients - 1, 5000));
    bench.time.pass(Surveyor::kFresh);
    return count;
  };
  const auto alone = turns(2);
  CHECK(alone >= 5);
  CHECK(turns(50) < 2 * alone);  // not fifty times
}

TEST_CASE("a count is good for a second, and no longer") {
  Bench bench;
  remember(bench, 3);
  const auto count = [&] {
    std::optional<std::size_t> found;
    const auto counting = bench.surveyor.count([&](const Census& c) { found = c.enforce; });
    CHECK_FALSE(found);
    bench.time.pass_until(base::milliseconds{500}, [&] { return found.has_value(); });
    return found.value_or(99);
  };
  CHECK(count() == 3);
  bench.book.forget("d0.example");
  bench.time.pass(Surveyor::kFresh - base::milliseconds{10});
  CHECK(count() == 3);
  bench.time.pass(base::milliseconds{10});
  CHECK(count() == 2);
}

TEST_CASE("who is told of a count may ask anew, and destroy all who wait with it") {
  Bench bench;
  std::vector<base::OperationPtr> waiting;
  int told = 0;
  for (int n = 0; n < 3; ++n)
    waiting.push_back(bench.surveyor.count([&](const Census&) {
      ++told;
      waiting.clear();
      waiting.push_back(bench.surveyor.count([&](const Census&) { ++told; }));
    }));
  bench.time.pass(base::milliseconds{100});
  CHECK(told == 2);
}
