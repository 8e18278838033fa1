#include "service/validation_watch.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fakes/fake_network.h"
#include "service/dane.h"

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::seconds;
using State = ValidationWatch::State;

namespace {

using Answer = base::Result<net::DnsAnswer>;

/// The name servers of the root, as a resolver tells them.
struct World {
  fakes::FakeTime time;
  fakes::FakeNetwork network{time};
  std::vector<std::string> lines;
  base::Log log{base::Severity::info, base::Log::Format::text,
                [this](auto, std::string_view line) { lines.emplace_back(line); }};
  int changes = 0;
  std::function<void()> changed = [this] { ++changes; };

  void root(bool authenticated, net::DnsAnswer::Kind kind = net::DnsAnswer::Kind::records) {
    net::DnsAnswer answer;
    answer.kind = kind;
    answer.authenticated = authenticated;
    network.set_dns({"", net::RecordType::ns}, {.outcome = Answer(answer)});
  }
  void no_root(base::Fault fault = base::Fault::dns_timeout) {
    network.set_dns({"", net::RecordType::ns}, {.outcome = Answer(base::Error{fault, "scripted"})});
  }
  /// What servers say that are not trusted.
  void instead(bool authenticated) {
    net::DnsAnswer answer;
    answer.authenticated = authenticated;
    network.set_instead({"", net::RecordType::ns}, {.outcome = Answer(answer)});
  }
  int asked() const { return network.dns_questions({"", net::RecordType::ns}); }
  /// How many lines of the log have this text, since the last call.
  int said(const std::string& text) {
    int count = 0;
    for (const auto& line : lines)
      if (line.find(text) != std::string::npos) ++count;
    lines.clear();
    return count;
  }
};

const char* const kNot = "warning: the resolver does not validate DNSSEC";
const char* const kAgain = "warning: the resolver validates DNSSEC again";

}  // namespace

TEST_CASE("D1 the self-test: at the start, and every ten minutes") {
  World world;
  world.root(true);
  const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  CHECK(world.asked() == 1);
  CHECK(watch.state() == State::unknown);
  world.time.pass(seconds{1});
  CHECK(watch.state() == State::validates);
  world.time.pass(seconds{598});
  CHECK(world.asked() == 1);
  world.time.pass(seconds{2});
  CHECK(world.asked() == 2);
  world.time.pass(seconds{6000});
  CHECK(world.asked() == 12);
  CHECK(world.said("DNSSEC") == 1);  // that it validates
}

TEST_CASE(
    "D1 who may be believed: the AD bit of an answer, whatever it says; failures say nothing") {
  using Kind = net::DnsAnswer::Kind;
  for (const auto kind : {Kind::records, Kind::no_data, Kind::no_such_name})
    for (const bool authenticated : {true, false}) {
      World world;
      world.root(authenticated, kind);
      const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
      world.time.pass(seconds{1});
      CHECK(watch.state() == (authenticated ? State::validates : State::does_not));
    }
  for (const auto fault : {base::Fault::dns_failed, base::Fault::dns_timeout,
                           base::Fault::dns_unreachable, base::Fault::invalid}) {
    World world;
    world.no_root(fault);
    const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
    world.time.pass(seconds{1});
    CHECK(watch.state() == State::unknown);
    CHECK(world.lines.empty());
  }
}

TEST_CASE("D1 without an answer it asks again after 30 s, and what was known holds") {
  World world;
  world.no_root();
  const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  world.time.pass(seconds{29});
  CHECK(world.asked() == 1);
  world.time.pass(seconds{2});
  CHECK(world.asked() == 2);
  world.root(false);
  world.time.pass(seconds{30});
  CHECK(watch.state() == State::does_not);
  world.no_root();
  world.time.pass(seconds{3600});
  CHECK(watch.state() == State::does_not);
  CHECK(world.said(kNot) == 1);
  world.root(true);
  world.time.pass(seconds{31});
  CHECK(watch.state() == State::validates);
}

TEST_CASE(
    "D1 where no trusted server is there, one that is not trusted takes its place until it is") {
  World world;
  world.root(true);
  const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  world.time.pass(seconds{1});
  world.instead(false);
  for (const auto fault : {base::Fault::dns_failed, base::Fault::dns_timeout}) {
    // It is there: that it cannot tell is no reason to believe another one.
    world.no_root(fault);
    world.time.pass(seconds{1200});
    CHECK(watch.state() == State::validates);
  }
  world.no_root(base::Fault::dns_unreachable);
  world.time.pass(seconds{31});
  CHECK(watch.state() == State::does_not);
  CHECK(world.changes == 1);
  world.root(true);
  world.time.pass(seconds{31});
  CHECK(watch.state() == State::validates);
  CHECK(world.said(kNot) == 1);
}

TEST_CASE("D1 a resolver that does not validate is complained of once, until it does") {
  World world;
  world.root(false);
  const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  world.time.pass(seconds{7200});
  CHECK(world.said(kNot) == 1);
  world.root(true);
  world.time.pass(seconds{7200});
  CHECK(watch.state() == State::validates);
  CHECK(world.said(kAgain) == 1);
  world.root(false);
  world.time.pass(seconds{7200});
  CHECK(watch.state() == State::does_not);
  CHECK(world.said(kNot) == 1);
}

TEST_CASE("D1 it is told that answers are outdated when validation is lost, and when it is back") {
  World world;
  world.no_root();
  const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  world.time.pass(seconds{1});
  world.root(true);
  world.time.pass(seconds{1200});
  // The gate was there before, too.
  CHECK(world.changes == 0);
  world.root(false);
  world.time.pass(seconds{1200});
  CHECK(world.changes == 1);
  world.root(true);
  world.time.pass(seconds{1200});
  CHECK(world.changes == 2);
}

TEST_CASE(
    "D1 nothing is known of a resolver that has changed: it is looked at at once, and ten minutes "
    "later again") {
  World world;
  world.root(true);
  ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  world.time.pass(seconds{300});
  world.root(false);
  watch.begin_anew();
  CHECK(watch.state() == State::unknown);
  world.time.pass(seconds{1});
  CHECK(watch.state() == State::does_not);
  CHECK(world.asked() == 2);
  world.time.pass(seconds{598});
  CHECK(world.asked() == 2);
  world.time.pass(seconds{2});
  CHECK(world.asked() == 3);
}

TEST_CASE("D1 a watch that is destroyed asks no more") {
  World world;
  world.root(true);
  { const ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed); }
  world.time.pass(seconds{7200});
  CHECK(world.asked() == 1);
  CHECK(world.lines.empty());
}

TEST_CASE("D1 D21 whom the gate guards: by the rules, but nobody without validation") {
  const struct {
    DaneMode mode;
    DaneMode own;  ///< of one domain
    bool guards_own, serves_own, guards, serves;
    bool asks;
  } rows[] = {
      {DaneMode::gate, DaneMode::off, false, false, true, false, true},
      {DaneMode::off, DaneMode::gate, true, false, false, false, true},
      {DaneMode::off, DaneMode::always, true, true, false, false, true},
      {DaneMode::always, DaneMode::gate, true, false, true, true, true},
      {DaneMode::off, DaneMode::off, false, false, false, false, false},
  };
  for (const auto& row : rows) {
    World world;
    world.no_root();
    const DaneRules rules{
        .mode = row.mode, .mixed = dane::Mixed::dane_only, .domains = {{"own.test", row.own}}};
    const Dane dane(world.network, world.time, world.time, world.log, rules, world.changed);
    const auto by_the_rules = [&] {
      CHECK(dane.guards("own.test") == row.guards_own);
      CHECK(dane.serves_all("own.test") == row.serves_own);
      CHECK(dane.guards("other.test") == row.guards);
      CHECK(dane.serves_all("other.test") == row.serves);
    };
    CHECK(world.asked() == (row.asks ? 1 : 0));
    by_the_rules();  // not known yet
    world.root(true);
    world.time.pass(seconds{60});
    by_the_rules();
    world.root(false);
    world.time.pass(seconds{700});
    for (const char* domain : {"own.test", "other.test"}) {
      CHECK_FALSE(dane.guards(domain));
      CHECK_FALSE(dane.serves_all(domain));
    }
    world.root(true);
    world.time.pass(seconds{700});
    by_the_rules();
    CHECK(world.changes == (row.asks ? 2 : 0));
  }
}

TEST_CASE("D1 what is known of MX hosts is forgotten with the validation") {
  World world;
  world.root(true);
  Dane dane(world.network, world.time, world.time, world.log, {}, world.changed);
  const auto host = base::DomainName::parse("mx.test").value();
  bool found = false;
  const auto looking = dane.hosts().find(host, 25, [&](const auto&) { found = true; });
  world.time.pass(seconds{1});
  REQUIRE(found);
  CHECK(dane.hosts().known(host, 25));
  world.root(false);
  world.time.pass(seconds{250});
  CHECK(dane.hosts().known(host, 25));
  world.time.pass(seconds{400});
  CHECK(dane.hosts().size() == 0);
}

namespace {

struct Trusted : World {
  Trusted() { root(true); }
};

/// A watch that is content with a trusted server, which is then gone.
struct Suspicion : Trusted {
  ValidationWatch watch{network, time, time, log, changed};
  Suspicion() {
    time.pass(seconds{60});
    instead(false);
    no_root(base::Fault::dns_unreachable);
  }
};

}  // namespace

TEST_CASE("decisions 9: a question that no trusted server could get makes it look at once") {
  Suspicion world;
  REQUIRE(world.watch.state() == State::validates);
  const int before = world.asked();
  world.watch.suspect();
  world.time.pass(seconds{1});
  CHECK(world.watch.state() == State::does_not);
  CHECK(world.changes == 1);
  CHECK(world.asked() == before + 2);  // the trusted ones, then the others
  // And back, as soon as it answers.
  world.root(true);
  world.time.pass(ValidationWatch::kRetry);
  CHECK(world.watch.state() == State::validates);
}

TEST_CASE("decisions 9: the suspicion alone changes nothing") {
  Suspicion world;
  for (const auto fault : {base::Fault::dns_timeout, base::Fault::dns_failed}) {
    world.no_root(fault);  // it is there after all
    world.time.pass(ValidationWatch::kSuspectPause);
    world.watch.suspect();
    world.time.pass(seconds{1});
    CHECK(world.watch.state() != State::does_not);
  }
  CHECK(world.changes == 0);
}

TEST_CASE("decisions 9: suspicions are few: not while it looks, nor just after, nor without DANE") {
  World world;
  world.root(true);
  ValidationWatch watch(world.network, world.time, world.time, world.log, world.changed);
  for (int n = 0; n < 100; ++n) watch.suspect();  // it looks already
  world.time.pass(seconds{1});
  CHECK(world.asked() == 1);
  for (int n = 0; n < 100; ++n) watch.suspect();  // it has just looked
  world.time.pass(seconds{3});
  CHECK(world.asked() == 1);
  for (int n = 0; n < 100; ++n) watch.suspect();
  world.time.pass(seconds{3});
  CHECK(world.asked() == 2);  // one for all of them, as soon as it may
  world.time.pass(ValidationWatch::kSuspectPause);
  CHECK(world.asked() == 2);
  for (int n = 0; n < 100; ++n) watch.suspect();
  world.time.pass(seconds{1});
  CHECK(world.asked() == 3);
  world.root(false);
  world.time.pass(seconds{600});
  REQUIRE(watch.state() == State::does_not);
  const int before = world.asked();
  world.time.pass(seconds{60});
  watch.suspect();
  CHECK(world.asked() == before);
}
