#include "service/decision_log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fakes/fake_service.h"
#include "fakes/publish.h"

using namespace tlspolicyd;
using base::seconds;

namespace {

/// The real service with its log.
struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network = validating(time);
  fakes::FakeStore store{time};
  std::vector<std::string> lines;
  std::string said;
  base::Log log{base::Severity::info, base::Log::Format::text, [this](auto, std::string_view line) {
                  said.append(line).append("\n");
                  if (line.find(": answered ") != std::string_view::npos) lines.emplace_back(line);
                }};
  fakes::Settings settings;
  fakes::Life life{time, network, store, log, settings};

  explicit World(service::DaneMode mode = service::DaneMode::off) : settings(with(mode)) {}
  static fakes::FakeNetwork validating(fakes::FakeTime& time) {
    fakes::FakeNetwork network(time);
    net::DnsAnswer root;
    root.authenticated = true;
    network.set_dns({"", net::RecordType::ns}, {.outcome = root});
    return network;
  }
  static fakes::Settings with(service::DaneMode mode) {
    fakes::Settings settings;
    settings.dane.mode = mode;
    return settings;
  }

  /// Asks, and lets the answer come.
  void ask(const std::string& domain, service::Terms terms = {}) {
    const auto asking =
        life.service.ask({*base::DomainName::parse(domain), terms}, [](const auto&) {});
    time.pass(seconds{31});
  }
  std::string last() const { return lines.empty() ? "" : lines.back(); }
};

}  // namespace

TEST_CASE("a live decision is one line: what was told, from where, and what came of each step") {
  World world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  world.ask("a.test");
  CHECK(world.last() ==
        "info: answered key=a.test domain=a.test answer=secure mode=enforce id=7 source=live age=0 "
        "expires=86400 txt=new-id fetch=fetched gate=off withheld=0");
  // An hour later the TXT record is looked at again.
  world.time.pass(seconds{3600});
  world.ask("a.test", {.port = 587, .bracketed = true});
  CHECK(world.last().find("key=[a.test]:587 domain=a.test answer=secure mode=enforce id=7 "
                          "source=cache age=3631 ") != std::string::npos);
  CHECK(world.last().find(" txt=same-id fetch=- gate=off ") != std::string::npos);
  world.ask("nobody.test");
  CHECK(world.last() ==
        "info: answered key=nobody.test domain=nobody.test answer=no-policy why=\"no MTA-STS "
        "record\" txt=no-record fetch=- gate=- withheld=0");
}

TEST_CASE("decision 13: under observe the line says what was answered, and what would have been") {
  World world;
  fakes::publish(world.network, "a.test", "mx.a.test");
  auto settings = world.settings.inquiry;
  settings.observe = true;
  world.life.service.set_settings(settings);
  world.ask("a.test");
  CHECK(
      world.said.find("info: answered \"no policy\", since observe is on key=a.test domain=a.test "
                      "would_be=secure mode=enforce ") != std::string::npos);
  world.ask("nobody.test");
  CHECK(world.said.find(
            "since observe is on key=nobody.test domain=nobody.test would_be=no-policy ") !=
        std::string::npos);
  CHECK(world.said.find(" answer=") == std::string::npos);
}

TEST_CASE("the line names the step that failed; an answer that defers is a warning") {
  World world{service::DaneMode::gate};
  fakes::publish(world.network, "a.test", "mx.a.test");
  world.network.set_dns({"a.test", net::RecordType::mx},
                        {.outcome = base::Error{base::Fault::dns_failed, "SERVFAIL"}});
  world.ask("a.test");
  CHECK(world.last().find("warning: answered key=a.test domain=a.test answer=temporary") == 0);
  CHECK(world.last().find(" txt=new-id fetch=fetched gate=mx-error ") != std::string::npos);

  fakes::publish(world.network, "b.test", "mx.b.test");
  world.network.set_https("mta-sts.b.test",
                          {.outcome = base::Error{base::Fault::certificate, "expired"}});
  world.ask("b.test");
  CHECK(world.last().find("answer=no-policy") != std::string::npos);
  CHECK(world.last().find(" txt=new-id fetch=certificate gate=- ") != std::string::npos);

  world.network.set_dns({"_mta-sts.c.test", net::RecordType::txt},
                        {.outcome = base::Error{base::Fault::dns_timeout, "silence"}});
  world.ask("c.test");
  CHECK(world.last().find(" txt=dns-timeout fetch=- gate=- ") != std::string::npos);

  // Unsigned MX records: DANE does not bind.
  fakes::publish(world.network, "d.test", "mx.d.test");
  world.ask("d.test");
  CHECK(world.last().find(" gate=unsigned ") != std::string::npos);
}

TEST_CASE("of one domain there are five lines in a minute; what was withheld is told later") {
  fakes::FakeTime time;
  std::vector<std::string> lines;
  const base::Log log{base::Severity::info, base::Log::Format::text,
                      [&](auto, std::string_view line) { lines.emplace_back(line); }};
  service::DecisionLog decisions(log, time);
  const service::Question often{*base::DomainName::parse("often.test"), {}};
  const service::Question other{*base::DomainName::parse("other.test"), {}};
  for (int n = 0; n < 20; ++n) decisions.write(often, {}, time.wall());
  CHECK(lines.size() == service::DecisionLog::kBurst);
  decisions.write(other, {}, time.wall());
  CHECK(lines.size() == service::DecisionLog::kBurst + 1);
  time.pass(service::DecisionLog::kWindow);
  decisions.write(often, {}, time.wall());
  CHECK(lines.back().find("withheld=15") != std::string::npos);
  // However many domains there are, what is remembered of them is bounded.
  for (std::size_t n = 0; n < 2 * service::DecisionLog::kMostDomains; ++n)
    decisions.write({*base::DomainName::parse("d" + std::to_string(n) + ".test"), {}}, {},
                    time.wall());
  CHECK(lines.size() == service::DecisionLog::kBurst + 2 + 2 * service::DecisionLog::kMostDomains);
}
