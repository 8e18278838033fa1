#include "net/dns_resolver.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>

#include "ask.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using base::Fault;
using base::milliseconds;
using fakes::Bytes;
using fakes::DnsReplyBuilder;
using fakes::NameServer;

namespace {

using Replies = std::vector<Bytes>;

/// A handler that says the same to everybody.
NameServer::OnDatagram says(const std::string& text) {
  return
      [text](const Bytes& query, const auto&) { return Replies{txt_reply(query, text).bytes()}; };
}

NameServer::OnDatagram fails_with(unsigned rcode) {
  return [rcode](const Bytes& query, const auto&) {
    return Replies{DnsReplyBuilder(query).rcode(rcode).bytes()};
  };
}

struct World {
  Loop loop;
  NameServer first{loop};
  NameServer second{loop};

  DnsResolver::Options options(std::vector<base::Endpoint> servers) const {
    return {
        .servers = std::move(servers), .pause = milliseconds(20), .long_pause = milliseconds(40)};
  }
  DnsResolver::Options both() const { return options({first.endpoint(), second.endpoint()}); }
  DnsResolver::Options one() const { return options({first.endpoint()}); }
};

std::string text_of(const Asked& asked) {
  if (!asked.result) return asked.result.error().text;
  return asked.result->txt.empty() ? "" : asked.result->txt.front();
}

base::Endpoint endpoint(const char* text) { return *base::Endpoint::parse(text); }

}  // namespace

TEST_CASE("one lost UDP packet costs less than 1.5 s") {
  World world;
  world.first.on_datagram = [&](const Bytes& query, const auto&) {
    return world.first.datagrams.size() == 1 ? Replies{} : Replies{txt_reply(query, "x").bytes()};
  };
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  CHECK(text_of(asked) == "x");
  CHECK(asked.took.count() < 1500);
}

TEST_CASE("a dead first server costs one timeout") {
  World world;
  world.second.on_datagram = says("x");
  DnsResolver resolver(world.loop, world.both());
  const auto first = ask(world.loop, resolver);
  CHECK(text_of(first) == "x");
  CHECK(first.took.count() < 1500);
  for (int i = 0; i < 20; ++i) {
    const auto later = ask(world.loop, resolver);
    CHECK(text_of(later) == "x");
    CHECK(later.took.count() < 500);
  }
  CHECK(world.first.datagrams.size() == 1);
}

TEST_CASE("the first server is tried again after a while, and preferred when it is back") {
  World world;
  world.second.on_datagram = says("second");
  auto options = world.both();
  options.timeout = milliseconds(100);
  options.probe_interval = milliseconds(300);
  DnsResolver resolver(world.loop, options);
  CHECK(text_of(ask(world.loop, resolver)) == "second");
  CHECK(text_of(ask(world.loop, resolver)) == "second");
  CHECK(world.first.datagrams.size() == 1);
  turn(world.loop, milliseconds(350));
  CHECK(text_of(ask(world.loop, resolver)) == "second");
  CHECK(text_of(ask(world.loop, resolver)) == "second");
  CHECK(world.first.datagrams.size() == 2);
  world.first.on_datagram = says("first");
  turn(world.loop, milliseconds(350));
  CHECK(text_of(ask(world.loop, resolver)) == "first");
  CHECK(text_of(ask(world.loop, resolver)) == "first");
}

TEST_CASE("a late answer to an earlier attempt counts") {
  World world;
  world.first.on_datagram = [&](const Bytes&, const auto&) {
    if (world.first.datagrams.size() == 2)
      world.first.send(txt_reply(world.first.datagrams[0], "late").bytes(), world.first.sources[0]);
    return Replies{};
  };
  auto options = world.one();
  options.timeout = milliseconds(200);
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  CHECK(text_of(asked) == "late");
  CHECK(world.first.datagrams.size() == 2);
}

namespace {

bool asks_for_localhost(const Bytes& query) {
  const std::string text(query.begin(), query.end());
  return text.find(std::string("\x09localhost\0", 11)) != std::string::npos;
}

/// A resolver that is well, but gets no answer for the domain in question.
fakes::NameServer::OnDatagram knows_only_localhost() {
  return [](const Bytes& query, const auto& from) {
    return asks_for_localhost(query) ? fails_with(3)(query, from) : Replies{};
  };
}

}  // namespace

TEST_CASE("each attempt waits twice as long, and silence is dns_timeout") {
  World world;
  world.second.on_datagram = knows_only_localhost();
  auto options = world.both();
  options.timeout = milliseconds(100);
  options.deadline = milliseconds(1000);
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() ==
        base::Error{Fault::dns_timeout, "no answer in time for TXT _mta-sts.example.org"});
  CHECK(asked.took.count() >= 990);
  // And then each once more, whether it is there at all.
  CHECK(world.first.datagrams.size() == 2 + 1);
  CHECK(world.second.datagrams.size() == 1 + 1);
}

TEST_CASE("D-h decisions 11: servers that are silent to everything are our own trouble") {
  World world;
  auto options = world.both();
  options.timeout = milliseconds(100);
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() ==
        base::Error{Fault::dns_unreachable,
                    "no name server answers, asked " + world.first.endpoint().text()});
  CHECK(asked.took.count() >= 790);
  CHECK(asked.took.count() < 1500);
}

TEST_CASE("a server that answered anything meanwhile is not dead: nobody asks whether it is") {
  World world;
  world.first.on_datagram = [&](const Bytes& query, const auto& from) {
    return std::string(query.begin(), query.end()).find("other") != std::string::npos
               ? says("x")(query, from)
               : Replies{};
  };
  auto options = world.one();
  options.timeout = milliseconds(100);
  options.deadline = milliseconds(1000);
  DnsResolver resolver(world.loop, options);
  base::OperationPtr meanwhile;
  const auto soon = world.loop.after(milliseconds(50), [&] {
    meanwhile = resolver.resolve({base::DomainName::parse("other.test").value(), RecordType::txt},
                                 [](auto) {});
  });
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::dns_timeout);
  for (const auto& query : world.first.datagrams) CHECK_FALSE(asks_for_localhost(query));
}

TEST_CASE("SERVFAIL then success") {
  World world;
  SUBCASE("from the same server, half a second later") {
    world.first.on_datagram = [&](const Bytes& query, const auto& from) {
      return world.first.datagrams.size() == 1 ? fails_with(2)(query, from)
                                               : says("x")(query, from);
    };
    DnsResolver resolver(world.loop, {.servers = {world.first.endpoint()}});
    const auto asked = ask(world.loop, resolver);
    CHECK(text_of(asked) == "x");
    CHECK(asked.took.count() >= 490);
    CHECK(asked.took.count() < 950);
  }
  SUBCASE("from the next server, at once") {
    world.first.on_datagram = fails_with(2);
    world.second.on_datagram = says("x");
    DnsResolver resolver(world.loop, world.both());
    const auto asked = ask(world.loop, resolver);
    CHECK(text_of(asked) == "x");
    CHECK(asked.took.count() < 450);
  }
  SUBCASE("from the next server, the first being dead") {
    world.second.on_datagram = says("x");
    DnsResolver resolver(world.loop,
                         world.options({fakes::dead_endpoint(), world.second.endpoint()}));
    const auto asked = ask(world.loop, resolver);
    CHECK(text_of(asked) == "x");
    CHECK(asked.took.count() < 450);
  }
}

TEST_CASE("a failure that a recursive server remembers for five seconds is outlasted") {
  World world;
  std::optional<base::SteadyTime> first_failure;
  world.first.on_datagram = [&](const Bytes& query, const auto& from) {
    const auto now = std::chrono::steady_clock::now();
    if (!first_failure) first_failure = now;
    const bool remembered = now - *first_failure < base::seconds{6};
    return remembered ? fails_with(2)(query, from) : says("x")(query, from);
  };
  DnsResolver resolver(world.loop, {.servers = {world.first.endpoint()}});
  CHECK(text_of(ask(world.loop, resolver)) == "x");
}

TEST_CASE("what every server fails with is told with the question") {
  World world;
  unsigned rcode = 2;
  std::string text = "SERVFAIL for TXT _mta-sts.example.org";
  SUBCASE("SERVFAIL") {}
  SUBCASE("REFUSED") {
    rcode = 5;
    text = "REFUSED for TXT _mta-sts.example.org";
  }
  world.first.on_datagram = fails_with(rcode);
  world.second.on_datagram = fails_with(rcode);
  DnsResolver resolver(world.loop, world.both());
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() == base::Error{Fault::dns_failed, text});
  CHECK(asked.took.count() >= 38);
  CHECK(world.first.datagrams.size() == 3);
  CHECK(world.second.datagrams.size() == 3);
}

TEST_CASE("a failing RCODE says more than a dead server or silence") {
  World world;
  world.first.on_datagram = fails_with(2);
  auto servers = std::vector{world.first.endpoint()};
  SUBCASE("dead") { servers.push_back(fakes::dead_endpoint()); }
  SUBCASE("silent") { servers.push_back(world.second.endpoint()); }
  auto options = world.options(servers);
  options.timeout = milliseconds(100);
  options.deadline = milliseconds(1000);
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::dns_failed);
}

TEST_CASE("malformed answers from everybody are invalid") {
  World world;
  world.first.on_datagram = [](const Bytes& query, const auto&) {
    auto reply = txt_reply(query, "x").bytes();
    reply.pop_back();
    return Replies{reply};
  };
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::invalid);
  CHECK(world.first.datagrams.size() == 3);
}

TEST_CASE("all servers refused is dns_unreachable") {
  World world;
  const auto dead = fakes::dead_endpoint();
  SUBCASE("one") {
    DnsResolver resolver(world.loop, world.options({dead}));
    const auto asked = ask(world.loop, resolver);
    REQUIRE_FALSE(asked.result.ok());
    CHECK(asked.result.error() ==
          base::Error{Fault::dns_unreachable,
                      "no name server can be reached: " + dead.text() + " connection refused"});
    CHECK(asked.took.count() >= 38);
  }
  SUBCASE("two") {
    DnsResolver resolver(world.loop, world.options({dead, endpoint("127.0.0.1:1")}));
    CHECK(ask(world.loop, resolver).result.error().fault == Fault::dns_unreachable);
  }
  SUBCASE("an address that cannot be sent to") {
    DnsResolver resolver(world.loop, world.options({endpoint("255.255.255.255:53")}));
    CHECK(ask(world.loop, resolver).result.error().fault == Fault::dns_unreachable);
  }
  SUBCASE("none configured") {
    DnsResolver resolver(world.loop, {});
    CHECK(ask(world.loop, resolver).result.error().fault == Fault::dns_unreachable);
  }
  SUBCASE("but not if one is silent") {
    world.first.on_datagram = knows_only_localhost();
    auto options = world.options({dead, world.first.endpoint()});
    options.timeout = milliseconds(100);
    options.deadline = milliseconds(1000);
    DnsResolver resolver(world.loop, options);
    CHECK(ask(world.loop, resolver).result.error().fault == Fault::dns_timeout);
  }
}

TEST_CASE("D-e F9 AD counts from loopback that is no stub, or where it is trusted") {
  using Trust = DnsResolver::TrustAd;
  struct Row {
    const char* server;
    Trust setting;
    bool trusted;
  };
  const Row rows[] = {
      {"127.0.0.1:53", Trust::automatic, true},
      {"127.8.8.8:53", Trust::automatic, true},
      {"127.0.0.53:53", Trust::automatic, false},  // systemd-resolved
      {"127.0.0.53:5353", Trust::automatic, false},
      {"127.0.0.54:53", Trust::automatic, false},
      {"127.0.0.11:53", Trust::automatic, false},  // Docker
      {"127.0.0.53:53", Trust::yes, true},
      {"127.0.0.11:53", Trust::no, false},
      {"127.0.0.55:53", Trust::automatic, true},
      {"127.0.1.53:53", Trust::automatic, true},
      {"[fe80::53%lo]:53", Trust::automatic, false},
      {"[fe80::53%lo]:53", Trust::yes, true},
      {"[::1]:53", Trust::automatic, true},
      {"192.0.2.1:53", Trust::automatic, false},
      {"[2001:db8::1]:53", Trust::automatic, false},
      {"10.0.0.1:53", Trust::automatic, false},
      {"192.0.2.1:53", Trust::yes, true},
      {"127.0.0.1:53", Trust::no, false},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.server));
    CHECK(DnsResolver::trusts(row.setting, endpoint(row.server)) == row.trusted);
  }
}

TEST_CASE("D-e the AD bit of the answer, where it counts, is what authenticated means") {
  World world;
  bool ad = true;
  world.first.on_datagram = [&](const Bytes& query, const auto&) {
    auto reply = txt_reply(query, "x");
    return Replies{ad ? reply.ad().bytes() : reply.bytes()};
  };
  auto options = world.one();
  SUBCASE("set, loopback") {
    DnsResolver resolver(world.loop, options);
    CHECK(ask(world.loop, resolver).result->authenticated);
  }
  SUBCASE("not set, loopback") {
    ad = false;
    DnsResolver resolver(world.loop, options);
    CHECK_FALSE(ask(world.loop, resolver).result->authenticated);
  }
  SUBCASE("set, trust no") {
    options.trust_ad = DnsResolver::TrustAd::no;
    DnsResolver resolver(world.loop, options);
    CHECK_FALSE(ask(world.loop, resolver).result->authenticated);
  }
  SUBCASE("not set, trust yes") {
    ad = false;
    options.trust_ad = DnsResolver::TrustAd::yes;
    DnsResolver resolver(world.loop, options);
    CHECK_FALSE(ask(world.loop, resolver).result->authenticated);
  }
}

TEST_CASE(
    "D1 D2 what is to be validated is asked only of servers that are trusted, if there are any") {
  using TrustAd = DnsResolver::TrustAd;
  // The servers of the tests are all on loopback; 192.0.2.1 stands for one that is not.
  const auto distant = endpoint("192.0.2.1:53");
  World world;
  world.first.on_datagram = fails_with(2);
  const auto question = [](bool validated) {
    return DnsQuestion{*base::DomainName::parse(kStsName), RecordType::txt, validated};
  };
  auto options = world.options({distant, world.first.endpoint()});
  options.timeout = milliseconds(50);
  DnsResolver resolver(world.loop, options);
  // 192.0.2.1 is never asked: no time-out of its own, and SERVFAIL is the last word.
  const auto validated = ask(world.loop, resolver, question(true));
  REQUIRE_FALSE(validated.result);
  CHECK(validated.result.error().fault == Fault::dns_failed);
  CHECK(world.first.datagrams.size() == options.attempts);

  // The other way round, and another server would have answered: without its being trusted.
  world.second.on_datagram = says("x");
  const struct {
    TrustAd trust_ad;
    bool validated;
    bool asks_second;
  } rows[] = {
      {TrustAd::automatic, true, true},  // both are trusted
      {TrustAd::no, true, true},         // none is
      {TrustAd::no, false, true},
      {TrustAd::yes, true, true},
  };
  for (const auto& row : rows) {
    auto both = world.both();
    both.trust_ad = row.trust_ad;
    DnsResolver stand_ins(world.loop, both);
    CHECK((text_of(ask(world.loop, stand_ins, question(row.validated))) == "x") == row.asks_second);
  }
}

TEST_CASE(
    "D1 a new list of servers is divided anew into those that are trusted and those that are not") {
  World world;
  world.first.on_datagram = fails_with(2);
  world.second.on_datagram = says("x");
  const DnsQuestion question{*base::DomainName::parse(kStsName), RecordType::txt, true};
  DnsResolver resolver(world.loop, world.both());
  CHECK(text_of(ask(world.loop, resolver, question)) == "x");
  resolver.set_servers({world.first.endpoint(), endpoint("192.0.2.1:53")});
  const auto asked = ask(world.loop, resolver, question);
  REQUIRE_FALSE(asked.result);
  CHECK(asked.result.error().fault == Fault::dns_failed);
}

TEST_CASE("D1 trusted servers that are dead are told as what they are") {
  World world;
  const auto dead = NameServer(world.loop).endpoint();
  DnsResolver resolver(world.loop, world.options({dead, endpoint("192.0.2.1:53")}));
  const auto asked =
      ask(world.loop, resolver, {*base::DomainName::parse(kStsName), RecordType::txt, true});
  CHECK(text_of(asked) ==
        "no trusted name server can be reached: " + dead.text() + " connection refused");
}

TEST_CASE("S7 a chain that leads out of the answer is followed; D3 all of it must be secure") {
  World world;
  bool first_ad = true, second_ad = true;
  world.first.on_datagram = [&](const Bytes& query, const auto&) {
    DnsReplyBuilder reply(query);
    const bool target = fakes::question_of(query) == "TXT sts.example.net";
    if (target)
      reply.answer("sts.example.net. 300 IN TXT \"x\"");
    else
      reply.answer(kStsName + ". 40 IN CNAME sts.example.net.");
    if (target ? second_ad : first_ad) reply.ad();
    return Replies{reply.bytes()};
  };
  bool secure = false;
  SUBCASE("both secure") { secure = true; }
  SUBCASE("first insecure") { first_ad = false; }
  SUBCASE("second insecure") { second_ad = false; }
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  CHECK(text_of(asked) == "x");
  CHECK(asked.result->authenticated == secure);
  CHECK(asked.result->ttl == std::chrono::seconds(40));
  CHECK(asked.result->canonical_name == "sts.example.net");
  CHECK(world.first.datagrams.size() == 2);
}

TEST_CASE("S7 a failure inside the chain is a failure") {
  World world;
  world.first.on_datagram = [&](const Bytes& query, const auto&) {
    DnsReplyBuilder reply(query);
    if (fakes::question_of(query) == "TXT sts.example.net") return Replies{reply.rcode(2).bytes()};
    return Replies{reply.answer(kStsName + ". 40 IN CNAME sts.example.net.").bytes()};
  };
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() == base::Error{Fault::dns_failed, "SERVFAIL for TXT sts.example.net"});
}

TEST_CASE("A-5 a chain over endless messages ends at 16 CNAMEs") {
  World world;
  world.first.on_datagram = [&](const Bytes& query, const auto&) {
    const auto name = fakes::question_of(query).substr(4);
    const auto next = "c" + std::to_string(world.first.datagrams.size()) + ".example.org";
    return Replies{DnsReplyBuilder(query).answer(name + ". 40 IN CNAME " + next + ".").bytes()};
  };
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::invalid);
  CHECK(world.first.datagrams.size() == 17);
}

TEST_CASE("N1 N4 N7 negative answers are answers") {
  World world;
  const std::string soa = "example.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 7";
  NameServer::OnDatagram handler;
  auto kind = DnsAnswer::Kind::no_such_name;
  std::chrono::seconds ttl(7);
  SUBCASE("N1 NXDOMAIN") {
    handler = [&](const Bytes& query, const auto&) {
      return Replies{DnsReplyBuilder(query).rcode(3).authority(soa).bytes()};
    };
  }
  SUBCASE("N1 NODATA") {
    kind = DnsAnswer::Kind::no_data;
    handler = [&](const Bytes& query, const auto&) {
      return Replies{DnsReplyBuilder(query).authority(soa).bytes()};
    };
  }
  SUBCASE("N4 NODATA without SOA") {
    kind = DnsAnswer::Kind::no_data;
    ttl = std::chrono::seconds(0);
    handler = [&](const Bytes& query, const auto&) {
      return Replies{DnsReplyBuilder(query).bytes()};
    };
  }
  SUBCASE("N7 NXDOMAIN behind a CNAME") {
    handler = [&](const Bytes& query, const auto&) {
      DnsReplyBuilder reply(query);
      reply.rcode(3).answer(kStsName + ". 300 IN CNAME gone.example.org.").authority(soa);
      return Replies{reply.bytes()};
    };
  }
  world.first.on_datagram = handler;
  DnsResolver resolver(world.loop, world.one());
  const auto asked = ask(world.loop, resolver);
  REQUIRE(asked.result.ok());
  CHECK(asked.result->kind == kind);
  CHECK(asked.result->ttl == ttl);
  CHECK(world.first.datagrams.size() == 1);
}

TEST_CASE("more questions than may be in flight wait in line, first come first served") {
  World world;
  auto options = world.one();
  options.in_flight = 2;
  DnsResolver resolver(world.loop, options);
  std::vector<int> order;
  std::vector<base::OperationPtr> operations;
  const auto done = [&](int number) {
    return [&order, number](auto result) {
      CHECK(result.ok());
      order.push_back(number);
    };
  };
  for (int i = 0; i < 6; ++i) operations.push_back(resolver.resolve(sts_question(), done(i)));
  turn(world.loop, milliseconds(100));
  REQUIRE(world.first.datagrams.size() == 2);
  operations[2].reset();  // leaves the line
  world.first.on_datagram = says("x");
  for (std::size_t i = 0; i < 2; ++i)
    world.first.send(txt_reply(world.first.datagrams[i], "x").bytes(), world.first.sources[i]);
  turn(world.loop, milliseconds(200));
  CHECK(order == std::vector<int>{0, 1, 3, 4, 5});
  CHECK(world.first.datagrams.size() == 5);
}

TEST_CASE("the time in line counts against the deadline") {
  World world;
  auto options = world.one();
  options.in_flight = 1;
  options.deadline = milliseconds(300);
  DnsResolver resolver(world.loop, options);
  const auto hog = resolver.resolve(sts_question(), [](auto) {});
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::overloaded);
  CHECK(asked.took.count() < 1000);
}

TEST_CASE("the deadline ends an attempt before its time") {
  World world;
  auto options = world.one();
  options.timeout = milliseconds(15'000);
  options.deadline = milliseconds(300);
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::dns_timeout);
  CHECK(asked.took.count() < 1000);
}

TEST_CASE("a full line is overloaded, and destroying it all at once is cheap") {
  World world;
  auto options = world.one();
  options.in_flight = 1;
  DnsResolver resolver(world.loop, options);
  std::vector<base::OperationPtr> operations;
  unsigned called = 0;
  for (std::size_t i = 0; i < DnsResolver::kMaxWaiting + 1; ++i)
    operations.push_back(resolver.resolve(sts_question(), [&](auto) { ++called; }));
  const auto asked = ask(world.loop, resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == Fault::overloaded);
  CHECK(asked.took.count() < 1000);
  operations.clear();
  turn(world.loop, milliseconds(50));
  CHECK(called == 0);
  CHECK(world.first.datagrams.size() == 1);
  world.first.on_datagram = says("x");
  CHECK(text_of(ask(world.loop, resolver)) == "x");
}

TEST_CASE("a question can be given up from anywhere") {
  World world;
  world.first.on_datagram = says("x");
  DnsResolver resolver(world.loop, world.one());
  base::OperationPtr one, other;
  unsigned called = 0;
  SUBCASE("before the loop turns") {
    one = resolver.resolve(sts_question(), [&](auto) { ++called; });
    one.reset();
    turn(world.loop, milliseconds(50));
    CHECK(called == 0);
  }
  SUBCASE("inside its own done") {
    one = resolver.resolve(sts_question(), [&](auto) {
      one.reset();
      ++called;
    });
    turn(world.loop, milliseconds(50));
    CHECK(called == 1);
  }
  SUBCASE("inside another's done") {
    // Whichever is first gives up the other.
    one = resolver.resolve(sts_question(), [&](auto) {
      other.reset();
      ++called;
    });
    other = resolver.resolve(sts_question(), [&](auto) {
      one.reset();
      ++called;
    });
    turn(world.loop, milliseconds(50));
    CHECK(called == 1);
  }
  SUBCASE("and replaced there") {
    one = resolver.resolve(sts_question(), [&](auto) {
      ++called;
      one = resolver.resolve(sts_question(), [&](auto) { ++called; });
    });
    turn(world.loop, milliseconds(50));
    CHECK(called == 2);
  }
  SUBCASE("in the pause after a failure") {
    world.first.on_datagram = fails_with(2);
    DnsResolver slow(world.loop, {.servers = {world.first.endpoint()}});
    one = slow.resolve(sts_question(), [&](auto) { ++called; });
    turn(world.loop, milliseconds(50));
    one.reset();
    turn(world.loop, milliseconds(600));
    CHECK(called == 0);
    CHECK(world.first.datagrams.size() == 1);
  }
  SUBCASE("in the middle of TCP") {
    world.first.on_datagram = [](const Bytes& query, const auto&) {
      return Replies{DnsReplyBuilder(query).truncated().bytes()};
    };
    world.first.on_stream = [](const Bytes&) { return NameServer::Stream{{{0}}}; };
    one = resolver.resolve(sts_question(), [&](auto) { ++called; });
    turn(world.loop, milliseconds(50));
    REQUIRE(world.first.streams.size() == 1);
    one.reset();
    turn(world.loop, milliseconds(50));
    CHECK(called == 0);
  }
}

TEST_CASE("done is never called from inside resolve") {
  World world;
  std::vector<base::Endpoint> servers;
  SUBCASE("no server") {}
  SUBCASE("dead server") { servers = {fakes::dead_endpoint()}; }
  SUBCASE("unusable server") { servers = {endpoint("255.255.255.255:53")}; }
  DnsResolver resolver(world.loop, world.options(servers));
  bool inside = true;
  const auto operation = resolver.resolve(sts_question(), [&](auto) {
    CHECK_FALSE(inside);
    world.loop.stop();
  });
  inside = false;
  turn(world.loop, milliseconds(5000));
}

TEST_CASE("destruction of many at work in every state leaves nothing behind") {
  World world;
  world.first.on_datagram = [&](const Bytes& query, const auto& from) {
    switch (world.first.datagrams.size() % 4) {
      case 0: return says("x")(query, from);
      case 1: return fails_with(2)(query, from);
      case 2: return Replies{DnsReplyBuilder(query).truncated().bytes()};
      default: return Replies{};
    }
  };
  DnsResolver resolver(world.loop, world.both());
  std::vector<base::OperationPtr> operations;
  unsigned called = 0;
  for (int i = 0; i < 1000; ++i)
    operations.push_back(resolver.resolve(sts_question(), [&](auto) { ++called; }));
  turn(world.loop, milliseconds(100));
  const auto before = called;
  CHECK(before > 0);
  CHECK(before < 1000);
  operations.clear();
  turn(world.loop, milliseconds(100));
  CHECK(called == before);
}

TEST_CASE("a new list of servers is for new questions") {
  World world;
  world.second.on_datagram = says("second");
  DnsResolver resolver(world.loop, world.options({fakes::dead_endpoint(), world.first.endpoint()}));
  std::string old_answer;
  const auto old = resolver.resolve(sts_question(), [&](auto result) {
    if (result) old_answer = result->txt.at(0);
  });
  turn(world.loop, milliseconds(50));
  REQUIRE(world.first.datagrams.size() == 1);
  resolver.set_servers({world.second.endpoint(), world.first.endpoint()});
  CHECK(text_of(ask(world.loop, resolver)) == "second");
  world.first.send(txt_reply(world.first.datagrams[0], "first").bytes(), world.first.sources[0]);
  turn(world.loop, milliseconds(50));
  CHECK(old_answer == "first");
  world.first.on_datagram = says("first");
  // Who answered well in the old list has no place of honour in the new one.
  CHECK(text_of(ask(world.loop, resolver)) == "second");
}

TEST_CASE("other options are for questions from now on; one at work goes on with its own") {
  World world;
  world.second.on_datagram = says("second");
  world.first.on_datagram = [](const Bytes&, const auto&) { return Replies{}; };
  auto options = world.one();
  options.timeout = milliseconds(200);
  options.attempts = 2;
  DnsResolver resolver(world.loop, options);
  std::string before;
  std::string after;
  const auto done = [&](std::string& text) {
    return [&](const base::Result<DnsAnswer>& answer) {
      text = answer ? answer->txt.front() : answer.error().text;
      if (!before.empty() && !after.empty()) world.loop.stop();
    };
  };
  const auto question = sts_question();
  const auto first = resolver.resolve(question, done(before));
  options.servers = {world.second.endpoint()};
  options.attempts = 1;
  resolver.set_options(options);
  const auto second = resolver.resolve(question, done(after));
  const auto answer = world.loop.after(milliseconds(50), [&] {
    world.first.on_datagram = says("first");  // to the second attempt, which it still has
  });
  const auto give_up = world.loop.after(milliseconds(5000), [&] { world.loop.stop(); });
  world.loop.run();
  CHECK(before == "first");
  CHECK(after == "second");
}

namespace {

/// Answers what `waits` says of the name after that time, and localhost at once, if at all.
struct SlowServer {
  fakes::NameServer& server;
  Loop& loop;
  milliseconds delay;
  bool knows_localhost = true;
  unsigned rcode = 0;
  std::vector<base::OperationPtr> timers{};

  void serve() {
    server.on_datagram = [this](const Bytes& query, const base::Endpoint& from) {
      if (asks_for_localhost(query))
        return knows_localhost ? fails_with(3)(query, from) : Replies{};
      timers.push_back(loop.after(delay, [this, query, from] {
        server.send(rcode == 0 ? txt_reply(query, "late").bytes()
                               : DnsReplyBuilder(query).rcode(rcode).bytes(),
                    from);
      }));
      return Replies{};
    };
  }
};

}  // namespace

TEST_CASE("F11 the last attempt listens until the deadline") {
  // A tenth of the usual times: attempts end after 100, 300 and 700 ms, the deadline is at 1 s.
  struct Row {
    int delay;
    bool knows_localhost;
    bool answered;
  };
  const Row rows[] = {
      {650, true, true}, {750, false, true},  // while it is asked whether it is there at all
      {750, true, true}, {900, true, true},  {1300, true, false},  // beyond the deadline
  };
  for (const auto& row : rows) {
    CAPTURE(row.delay);
    CAPTURE(row.knows_localhost);
    World world;
    SlowServer slow{world.first, world.loop, milliseconds(row.delay), row.knows_localhost};
    slow.serve();
    auto options = world.one();
    options.timeout = milliseconds(100);
    options.deadline = milliseconds(1000);
    DnsResolver resolver(world.loop, options);
    const auto asked = ask(world.loop, resolver);
    CHECK(asked.result.ok() == row.answered);
    if (row.answered) {
      CHECK(text_of(asked) == "late");
    } else {
      CHECK(asked.result.error().fault == Fault::dns_timeout);
      CHECK(asked.took.count() >= 990);
    }
  }
}

TEST_CASE(
    "F11 of servers that listen on one that fails ends nothing, and the last that fails ends it") {
  World world;
  SlowServer fails{world.first, world.loop, milliseconds(600), true, 2};
  SlowServer other{world.second, world.loop, milliseconds(700)};
  auto options = world.both();
  options.timeout = milliseconds(100);
  options.attempts = 2;
  options.deadline = milliseconds(2000);
  bool answered = true;
  SUBCASE("the other one answers") {}
  SUBCASE("the other one fails, too") {
    answered = false;
    other.rcode = 2;
  }
  fails.serve();
  other.serve();
  DnsResolver resolver(world.loop, options);
  const auto asked = ask(world.loop, resolver);
  CHECK(asked.result.ok() == answered);
  CHECK(text_of(asked) == (answered ? "late" : "SERVFAIL for TXT _mta-sts.example.org"));
  // The second was asked at 100 ms.
  CHECK(asked.took.count() >= 790);
  CHECK(asked.took.count() < 1000);
}

TEST_CASE("F11 trusted servers that are silent may only be slow: they have until the deadline") {
  World world;
  SlowServer slow{world.first, world.loop, milliseconds(900), false};
  slow.serve();
  auto options = world.options({world.first.endpoint(), endpoint("192.0.2.1:53")});
  options.timeout = milliseconds(100);
  options.deadline = milliseconds(1000);
  DnsResolver resolver(world.loop, options);
  const DnsQuestion question{*base::DomainName::parse(kStsName), RecordType::txt, true};
  CHECK(text_of(ask(world.loop, resolver, question)) == "late");
  world.first.on_datagram = {};
  const auto silent = ask(world.loop, resolver, question);
  REQUIRE_FALSE(silent.result.ok());
  CHECK(silent.result.error() ==
        base::Error{Fault::dns_timeout,
                    "no trusted name server answers, asked " + world.first.endpoint().text()});
}

TEST_CASE("D4 questions that fail at once and pause do not delay the others") {
  World world;
  world.first.on_datagram = [](const Bytes& query, const auto& from) {
    const bool good = fakes::question_of(query) == "TXT " + kStsName;
    return good ? says("x")(query, from) : fails_with(2)(query, from);
  };
  DnsResolver resolver(world.loop, {.servers = {world.first.endpoint()}});
  std::vector<base::OperationPtr> operations;
  for (int n = 0; n < 300; ++n) {
    operations.push_back(resolver.resolve(
        {*base::DomainName::parse("d" + std::to_string(n) + ".evil.test"), RecordType::txt},
        [](auto) {}));
    // More at once would not fit into the socket of the name server.
    if (n % 50 == 49) turn(world.loop, milliseconds(40));
  }
  REQUIRE(world.first.datagrams.size() >= 300);  // the first attempt of every one is over
  const auto good = ask(world.loop, resolver);
  CHECK(text_of(good) == "x");
  CHECK(good.took.count() < 1500);
  // Nor in the long pause.
  turn(world.loop, milliseconds(700));
  const auto later = ask(world.loop, resolver);
  CHECK(text_of(later) == "x");
  CHECK(later.took.count() < 1500);
}

TEST_CASE("D4 a question that comes back from its pause goes before new ones, and waits its turn") {
  World world;
  auto options = world.one();
  options.in_flight = 1;
  options.pause = milliseconds(100);
  DnsResolver resolver(world.loop, options);
  std::vector<std::string> order;
  const auto name = [](const char* text) {
    return DnsQuestion{*base::DomainName::parse(text), RecordType::txt};
  };
  bool failed = false;
  world.first.on_datagram = [&](const Bytes& query, const base::Endpoint& from) {
    const auto text = fakes::question_of(query);
    order.push_back(text);
    if (text == "TXT hog.test") return Replies{};  // holds the place until it is given up
    if (!std::exchange(failed, true)) return fails_with(2)(query, from);
    return fails_with(3)(query, from);
  };
  int done = 0;
  const auto count = [&](auto) { ++done; };
  const auto comes_back = resolver.resolve(name("back.test"), count);
  turn(world.loop, milliseconds(50));
  auto hog = resolver.resolve(name("hog.test"), count);
  const auto fresh = resolver.resolve(name("fresh.test"), count);
  turn(world.loop, milliseconds(200));
  CHECK(order == std::vector<std::string>{"TXT back.test", "TXT hog.test"});
  hog.reset();
  turn(world.loop, milliseconds(100));
  CHECK(order == std::vector<std::string>{"TXT back.test", "TXT hog.test", "TXT back.test",
                                          "TXT fresh.test"});
  CHECK(done == 2);
}

TEST_CASE("D4 a question that finds no place after its pause is overloaded in time") {
  World world;
  world.first.on_datagram = fails_with(2);
  auto options = world.one();
  options.in_flight = 1;
  options.pause = milliseconds(100);
  options.line_limit = milliseconds(200);
  DnsResolver resolver(world.loop, options);
  std::optional<base::Error> error;
  const auto question = resolver.resolve(sts_question(), [&](auto result) {
    if (!result) error = result.error();
  });
  turn(world.loop, milliseconds(50));
  world.first.on_datagram = {};
  const auto hog = resolver.resolve(sts_question(), [](auto) {});
  turn(world.loop, milliseconds(150));
  CHECK_FALSE(error);
  turn(world.loop, milliseconds(200));
  REQUIRE(error);
  CHECK(error->fault == Fault::overloaded);
}

TEST_CASE("D4, F11 a question that only listens holds no place; one listener too many ends early") {
  World world;
  world.first.on_datagram = [](const Bytes& query, const base::Endpoint& from) {
    const auto text = fakes::question_of(query);
    const bool is_silent = text.starts_with("TXT silent");
    return is_silent ? Replies{} : fails_with(3)(query, from);
  };
  auto options = world.one();
  options.in_flight = 1;
  options.attempts = 2;
  options.timeout = milliseconds(100);
  options.deadline = milliseconds(4000);
  DnsResolver resolver(world.loop, options);
  std::vector<std::string> ended;
  const auto begin = [&](const std::string& name) {
    const DnsQuestion question{*base::DomainName::parse(name), RecordType::txt};
    return resolver.resolve(question, [&ended, name](const auto& result) {
      const bool is_late = !result && result.error().fault == Fault::dns_timeout;
      ended.push_back(name + (is_late ? " timeout" : " answered"));
    });
  };
  const auto first = begin("silent1.test");
  const auto second = begin("silent2.test");
  const auto good = begin("good.test");
  turn(world.loop, milliseconds(2500));
  CHECK(ended == std::vector<std::string>{"silent2.test timeout", "good.test answered"});
  turn(world.loop, milliseconds(2500));
  CHECK(ended.back() == "silent1.test timeout");
}

TEST_CASE("decision 9 it is told when no trusted server can be reached, and only then") {
  World world;
  const auto dead = fakes::dead_endpoint();
  const auto distant = endpoint("192.0.2.1:53");
  const struct {
    std::vector<base::Endpoint> servers;
    bool validated;
    int told;
  } rows[] = {
      {{dead, distant}, true, 3},                 // after each attempt
      {{dead}, true, 0},                          // no other could take its place
      {{dead, world.first.endpoint()}, true, 0},  // all are trusted
      {{world.first.endpoint(), distant}, true, 0},
      {{dead}, false, 0},
  };
  world.first.on_datagram = fails_with(2);
  for (const auto& row : rows) {
    DnsResolver resolver(world.loop, world.options(row.servers));
    int told = 0;
    resolver.set_on_trusted_unreachable([&] { ++told; });
    const auto asked = ask(world.loop, resolver,
                           {*base::DomainName::parse(kStsName), RecordType::txt, row.validated});
    CHECK_FALSE(asked.result.ok());
    CHECK(told == row.told);
  }
}

TEST_CASE("D4 a question has at most one socket per attempt, and one per server for the pulse") {
  const auto open_files = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return static_cast<int>(std::distance(begin(files), end(files)));
  };
  World world;
  NameServer third(world.loop);
  auto options = world.options({world.first.endpoint(), world.second.endpoint(), third.endpoint()});
  options.timeout = milliseconds(50);
  options.deadline = milliseconds(1000);
  options.attempts = 4;
  // The first fails late, so that another one is asked in the place of what it closes.
  std::vector<base::OperationPtr> timers;
  world.first.on_datagram = [&](const Bytes& query, const base::Endpoint& from) {
    timers.push_back(world.loop.after(milliseconds(70), [&world, query, from] {
      world.first.send(DnsReplyBuilder(query).rcode(2).bytes(), from);
    }));
    return Replies{};
  };
  DnsResolver resolver(world.loop, options);
  const int before = open_files();
  int most = 0;
  std::function<void()> look;
  base::OperationPtr looking;
  look = [&] {
    most = std::max(most, open_files() - before);
    looking = world.loop.after(milliseconds(5), look);
  };
  look();
  CHECK_FALSE(ask(world.loop, resolver).result.ok());
  CHECK(most >= 4);
  CHECK(most <= 4 + 3);
  looking.reset();
  CHECK(open_files() <= before);
}
