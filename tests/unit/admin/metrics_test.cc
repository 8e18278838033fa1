#include "admin/metrics.h"

#include <doctest/doctest.h>

#include "admin/process.h"
#include "bench.h"
#include "exposition_reader.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;
using base::seconds;

namespace {

struct World : Bench {
  Scrape scrape() {
    std::optional<Census> counted;
    const Survey survey(book, time, time, [&](const Census& census) { counted = census; });
    time.pass_until(seconds{60}, [&] { return counted.has_value(); });
    auto read = read_scrape(metrics_text(sources, counted.value()));
    CHECK(read.mistakes.empty());
    return read;
  }

  /// As Postfix asks, in a map.
  void query(const std::string& request) {
    std::string out;
    const auto response = responder.respond(request, last, out, [](auto) {});
    time.pass(seconds{1});
  }

  /// A policy that was fetched so long ago, lasts so long, and not since.
  void remember(const std::string& domain, sts::Mode mode, seconds age, seconds lasts,
                std::uint32_t failures, base::WallTime used_at = {}) {
    sts::Policy policy;
    policy.mode = mode;
    policy.max_age = lasts;
    const auto fetched = time.wall() - age;
    book.restore(base::DomainName::parse(domain).value(),
                 std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", policy, fetched)),
                 {.used_at = used_at, .failures = failures}, time.wall());
  }

  postfix::LastPolicy last;
};

constexpr seconds kHour{3600};
constexpr seconds kDay{86'400};

}  // namespace

TEST_CASE("from the start every family is there, and all that is counted is zero") {
  World world;
  const auto scrape = world.scrape();
  CHECK(scrape.families.size() > 40);
  for (const auto& each : scrape.families) {
    const auto& name = each.first;
    const auto& family = each.second;
    CAPTURE(name);
    CHECK((name.starts_with("tlspolicyd_") || name.starts_with("process_")));
    CHECK(!family.samples.empty());
    if (family.type == "counter" && name.starts_with("tlspolicyd_"))
      for (const auto& sample : family.samples) CHECK(sample.value == 0);
  }
  CHECK(scrape.value("tlspolicyd_build_info", {{"version", TLSPOLICYD_VERSION}}) == 1);
}

TEST_CASE("answers are counted by map and by what was said") {
  World world;
  world.publish("a.example");
  world.network.set_dns({"_mta-sts.dead.test", net::RecordType::txt},
                        {.outcome = base::Error{base::Fault::dns_unreachable, "dead"}});
  world.query("postfix a.example");
  world.query("postfix a.example");
  world.query("postfix-tlsrpt nobody.test");
  world.query("postfix dead.test");
  world.query("mine a.example");
  const auto scrape = world.scrape();
  const auto answers = [&](const char* map, const char* answer) {
    return scrape.value("tlspolicyd_answers_total", {{"map", map}, {"answer", answer}});
  };
  CHECK(answers("postfix", "secure") == 2);
  CHECK(answers("postfix-tlsrpt", "notfound") == 1);
  CHECK(answers("postfix", "temp") == 1);
  CHECK(answers("other", "secure") == 1);
  CHECK(answers("dsn", "explained") == 0);
  CHECK(scrape.value("tlspolicyd_temporary_answers_total", {{"cause", "own-trouble"}}) == 1);
  CHECK(scrape.value("tlspolicyd_temporary_answers_total", {{"cause", "mx"}}) == 0);
  CHECK(scrape.value("tlspolicyd_cache_questions_total", {{"result", "miss"}}) == 3);
  CHECK(scrape.value("tlspolicyd_cache_questions_total", {{"result", "hit"}}) == 2);
  CHECK(scrape.value("tlspolicyd_live_answer_duration_seconds_count") == 3);
  CHECK(scrape.value("tlspolicyd_cached_answer_duration_seconds_count") == 2);
  CHECK(scrape.value("tlspolicyd_txt_lookups_total", {{"outcome", "found"}}) == 1);
  CHECK(scrape.value("tlspolicyd_txt_lookups_total", {{"outcome", "no-record"}}) == 1);
  CHECK(scrape.value("tlspolicyd_txt_lookups_total", {{"outcome", "dns-error"}}) == 1);
  CHECK(scrape.value("tlspolicyd_policy_fetches_total", {{"kind", "first"}, {"outcome", "ok"}}) ==
        1);
  CHECK(scrape.value("tlspolicyd_policies", {{"mode", "enforce"}}) == 1);
  CHECK(scrape.value("tlspolicyd_domains_without_policy") == 2);
}

TEST_CASE("decisions 27, 28: what is done about MX hosts that do not fit is counted") {
  World world;
  world.publish("a.example");
  net::DnsAnswer mx;
  mx.kind = net::DnsAnswer::Kind::records;
  mx.ttl = seconds{300};
  mx.mx = {{10, "mx.elsewhere.test"}};
  world.network.set_dns({"a.example", net::RecordType::mx}, {.outcome = mx});
  world.query("postfix a.example");
  CHECK(world.scrape().value("tlspolicyd_mx_mismatch_refetches_total") == 0);
  world.time.pass(seconds{61});
  world.query("postfix a.example");
  CHECK(world.scrape().value("tlspolicyd_mx_mismatch_refetches_total") == 1);
  CHECK(world.scrape().value("tlspolicyd_findings_dropped_total") == 0);
  for (int recipient = 0; recipient < 2; ++recipient)
    world.query("dsn 4.7.5 Server certificate not verified");
  CHECK(world.scrape().value("tlspolicyd_findings_dropped_total") == 1);
}

TEST_CASE("decision 13: under observe: what was answered, and apart from it what would have been") {
  World world;
  world.publish("a.example");
  postfix::Responder::Rules rules;
  rules.observe = true;
  world.responder.set_rules(rules);
  world.query("postfix a.example");
  world.query("postfix a.example");
  const auto scrape = world.scrape();
  const auto value = [&](const char* family, const char* answer) {
    return scrape.value(family, {{"map", "postfix"}, {"answer", answer}});
  };
  CHECK(value("tlspolicyd_answers_total", "secure") == 0);
  CHECK(value("tlspolicyd_answers_total", "notfound") == 2);
  CHECK(value("tlspolicyd_observed_answers_total", "secure") == 2);
  CHECK(value("tlspolicyd_observed_answers_total", "notfound") == 0);
}

TEST_CASE("policies are told apart by mode, life and refreshes") {
  World world;
  using sts::Mode;
  const auto now = world.time.wall();
  world.remember("fresh.test", Mode::enforce, kHour, 7 * kDay, 0);
  world.remember("failing.test", Mode::enforce, 2 * kDay, 7 * kDay, 3);
  world.remember("quarter.test", Mode::enforce, 6 * kDay, 7 * kDay + kDay / 2, 3);
  world.remember("soon.test", Mode::enforce, 9 * kDay, 9 * kDay + kHour, 3);
  world.remember("testing.test", Mode::testing, 9 * kDay, 9 * kDay + kHour, 1);
  world.remember("none.test", Mode::none, 20 * kDay, 30 * kDay, 1);
  world.remember("lapsed.test", Mode::enforce, 9 * kDay, 8 * kDay, 5, now - 2 * kDay);
  world.remember("used.test", Mode::enforce, 9 * kDay, 8 * kDay, 5, now - kHour);
  world.remember("let-go.test", Mode::enforce, 9 * kDay, 8 * kDay, 0, now - kHour);
  world.remember("tested.test", Mode::testing, 9 * kDay, 8 * kDay, 5, now - kHour);
  const auto scrape = world.scrape();
  CHECK(scrape.value("tlspolicyd_policies", {{"mode", "enforce"}}) == 4);
  CHECK(scrape.value("tlspolicyd_policies", {{"mode", "testing"}}) == 1);
  CHECK(scrape.value("tlspolicyd_policies", {{"mode", "none"}}) == 1);
  CHECK(scrape.value("tlspolicyd_policies_expired") == 4);
  CHECK(scrape.value("tlspolicyd_policies_refresh_failing", {{"mode", "enforce"}}) == 3);
  CHECK(scrape.value("tlspolicyd_policies_refresh_failing", {{"mode", "testing"}}) == 1);
  CHECK(scrape.value("tlspolicyd_policies_refresh_failing", {{"mode", "none"}}) == 1);
  CHECK(scrape.value("tlspolicyd_policies_last_quarter") == 2);
  CHECK(scrape.value("tlspolicyd_policies_expiring_soon") == 1);
  CHECK(scrape.value("tlspolicyd_oldest_failing_refresh_seconds") == (9 * kDay).count());
  CHECK(scrape.value("tlspolicyd_policies_lapsed") == 2);
  CHECK(scrape.value("tlspolicyd_policies_lapsed_in_use") == 1);
  CHECK(scrape.value("tlspolicyd_cache_bytes", {{"part", "policies"}}) > 5000);
  CHECK(scrape.value("tlspolicyd_cache_bytes", {{"part", "unplaced"}}) == 0);
  CHECK(scrape.value("tlspolicyd_cache_limit_bytes", {{"part", "policies"}}) ==
        static_cast<double>(std::size_t{128} << 20));
  CHECK(scrape.value("tlspolicyd_policies_unplaced") == 0);
  CHECK(scrape.value("tlspolicyd_policies_evicted_total", {{"kind", "enforced"}}) == 0);
}

TEST_CASE("what others counted is told") {
  World world;
  world.dns.count(net::RecordType::tlsa, net::DnsAnswer{});
  world.dns.count(net::RecordType::ns, base::Error{base::Fault::dns_timeout, "silent"});
  world.dns.seconds.add(0.3);
  world.dns.in_flight = 2;
  world.https.ended.count(base::Fault::certificate);
  world.https.in_flight = 1;
  world.delegation.count(postfix::DelegationRules::Action::warn);
  world.delegation.late = 4;
  world.reloads = {.succeeded = 2, .failed = 1, .last_ok = false};
  world.facts.observe = true;
  const auto scrape = world.scrape();
  CHECK(scrape.value("tlspolicyd_dns_questions_total", {{"type", "TLSA"}, {"outcome", "denial"}}) ==
        1);
  CHECK(scrape.value("tlspolicyd_dns_questions_total",
                     {{"type", "other"}, {"outcome", "timeout"}}) == 1);
  CHECK(scrape.value("tlspolicyd_dns_question_duration_seconds_bucket", {{"le", "0.25"}}) == 0);
  CHECK(scrape.value("tlspolicyd_dns_question_duration_seconds_bucket", {{"le", "0.5"}}) == 1);
  CHECK(scrape.value("tlspolicyd_dns_questions_in_flight") == 2);
  CHECK(scrape.value("tlspolicyd_https_requests_total", {{"outcome", "certificate"}}) == 1);
  CHECK(scrape.value("tlspolicyd_https_requests_in_flight") == 1);
  CHECK(scrape.value("tlspolicyd_delegation_answers_total", {{"answer", "warn"}}) == 1);
  CHECK(scrape.value("tlspolicyd_delegation_failures_total", {{"reason", "late"}}) == 4);
  CHECK(scrape.value("tlspolicyd_config_reloads_total", {{"result", "ok"}}) == 2);
  CHECK(scrape.value("tlspolicyd_config_reloads_total", {{"result", "failed"}}) == 1);
  CHECK(scrape.value("tlspolicyd_config_last_reload_successful") == 0);
  CHECK(scrape.value("tlspolicyd_config_last_reload_success_timestamp_seconds") ==
        world.facts.configured_at.time_since_epoch().count());
  CHECK(scrape.value("tlspolicyd_observe") == 1);
  CHECK(scrape.value("tlspolicyd_dane_gate", {{"state", "off"}}) == 1);
  CHECK(scrape.value("tlspolicyd_dane_gate", {{"state", "validates"}}) == 0);
}

TEST_CASE("a disk that fails is told, with what it costs") {
  World world;
  world.publish("a.example");
  world.store.set_health(fakes::FakeStore::Health::full);
  world.ask("a.example");
  const auto scrape = world.scrape();
  CHECK(scrape.value("tlspolicyd_disk_failing") == 1);
  CHECK(scrape.value("tlspolicyd_disk_unsaved_policies") == 1);
  CHECK(scrape.value("tlspolicyd_disk_write_failures_total") == 1);
  CHECK(scrape.value("tlspolicyd_unwell", {{"part", "disk"}}) == 1);
  CHECK(scrape.value("tlspolicyd_unwell", {{"part", "loop"}}) == 0);
}

TEST_CASE("the process: what the kernel says of it") {
  const auto process = this_process();
  CHECK(process.cpu_seconds > 0);
  CHECK(process.resident_bytes > 1'000'000);
  CHECK(process.open_files >= 3);
  CHECK(process.open_files < process.most_files);
}
