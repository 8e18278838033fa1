#include "net/dns_exchange.h"

#include <doctest/doctest.h>

#include <set>

#include "ask.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using fakes::Bytes;
using fakes::NameServer;

namespace {

/// A resolver with one fake server.
struct World {
  Loop loop;
  NameServer server{loop};
  DnsResolver resolver{loop,
                       {.servers = {server.endpoint()},
                        .timeout = base::milliseconds(300),
                        .pause = base::milliseconds(20),
                        .long_pause = base::milliseconds(40)}};
};

std::vector<std::string> txt_of(const Asked& asked) {
  CAPTURE((asked.result ? std::string() : asked.result.error().text));
  REQUIRE(asked.result.ok());
  return asked.result->txt;
}

using Texts = std::vector<std::string>;
using Replies = std::vector<Bytes>;

}  // namespace

TEST_CASE("D-a of 1000 queries ports and ids differ and have no order") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{txt_reply(query, "x").bytes()};
  };
  constexpr unsigned kQueries = 1000;
  std::vector<base::OperationPtr> operations;
  unsigned answered = 0;
  for (unsigned i = 0; i < kQueries; ++i)
    operations.push_back(world.resolver.resolve(sts_question(), [&](auto result) {
      CHECK(result.ok());
      if (++answered == kQueries) world.loop.stop();
    }));
  turn(world.loop, base::milliseconds(20'000));
  REQUIRE(answered == kQueries);
  REQUIRE(world.server.datagrams.size() >= kQueries);

  std::set<unsigned> ports, ids;
  std::vector<unsigned> bits(16);
  unsigned ports_rise = 0, ids_rise = 0;
  for (unsigned i = 0; i < kQueries; ++i) {
    const unsigned id = fakes::id_of(world.server.datagrams[i]);
    const unsigned port = world.server.sources[i].port;
    ports.insert(port);
    ids.insert(id);
    for (unsigned bit = 0; bit < 16; ++bit) bits[bit] += id >> bit & 1U;
    if (i == 0) continue;
    ports_rise += port > world.server.sources[i - 1].port;
    ids_rise += id > fakes::id_of(world.server.datagrams[i - 1]);
  }
  // Chance alone leaves about 980 and 992 different ones; the counts are 500 within 6 deviations.
  CHECK(ports.size() > 900);
  CHECK(ids.size() > 900);
  for (const auto count : bits) CHECK((count > 400 && count < 600));
  CHECK((ports_rise > 400 && ports_rise < 600));
  CHECK((ids_rise > 400 && ids_rise < 600));
}

TEST_CASE("D-a each attempt has a port and an id of its own") {
  World world;
  world.server.on_datagram = [&](const Bytes& query, const auto&) -> std::vector<Bytes> {
    if (world.server.datagrams.size() < 2) return {};
    return {txt_reply(query, "x").bytes()};
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"x"});
  REQUIRE(world.server.datagrams.size() == 2);
  CHECK(world.server.sources[0] != world.server.sources[1]);
  CHECK(world.server.datagrams[0] != world.server.datagrams[1]);
}

TEST_CASE("D-b forged replies before the right one are dropped") {
  World world;
  NameServer forger(world.loop);
  const auto wrong_id = [](const Bytes& query) {
    return static_cast<std::uint16_t>(fakes::id_of(query) + 1);
  };
  NameServer::OnDatagram forge;
  SUBCASE("wrong id") {
    forge = [&](const Bytes& query, const auto&) {
      return Replies{txt_reply(query, "forged").id(wrong_id(query)).bytes()};
    };
  }
  SUBCASE("SERVFAIL with a wrong id") {
    forge = [&](const Bytes& query, const auto&) {
      return Replies{fakes::DnsReplyBuilder(query).rcode(2).id(wrong_id(query)).bytes()};
    };
  }
  SUBCASE("wrong name") {
    forge = [](const Bytes& query, const auto&) {
      return Replies{txt_reply(query, "forged").question("_mta-sts.example.net", 16).bytes()};
    };
  }
  SUBCASE("wrong type") {
    forge = [](const Bytes& query, const auto&) {
      return Replies{txt_reply(query, "forged").question(kStsName, 1).bytes()};
    };
  }
  SUBCASE("wrong source") {
    forge = [&](const Bytes& query, const base::Endpoint& from) {
      forger.send(txt_reply(query, "forged").bytes(), from);
      return Replies{};
    };
  }
  SUBCASE("rubbish, the query itself, an empty datagram") {
    forge = [](const Bytes& query, const auto&) {
      return Replies{Bytes{1}, Bytes(12), query, Bytes{}};
    };
  }
  SUBCASE("seven of them") {
    forge = [&](const Bytes& query, const auto&) {
      return Replies(7, txt_reply(query, "forged").id(wrong_id(query)).bytes());
    };
  }
  REQUIRE(forge);
  world.server.on_datagram = [&](const Bytes& query, const base::Endpoint& from) {
    auto replies = forge(query, from);
    replies.push_back(txt_reply(query, "true").bytes());
    return replies;
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"true"});
  CHECK(world.server.datagrams.size() == 1);
  CHECK(world.server.streams.empty());
}

TEST_CASE("D-b after eight forged replies the question goes over TCP") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    const auto wrong_id = static_cast<std::uint16_t>(fakes::id_of(query) + 1);
    std::vector<Bytes> replies(8, txt_reply(query, "forged").id(wrong_id).bytes());
    replies.push_back(txt_reply(query, "too late").bytes());
    return replies;
  };
  world.server.on_stream = [](const Bytes& query) {
    return NameServer::Stream{{fakes::with_length(txt_reply(query, "true").bytes())}};
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"true"});
  CHECK(world.server.datagrams.size() == 1);
}

TEST_CASE("D-f a truncated reply is asked for again over TCP") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{txt_reply(query, "part").truncated().bytes()};
  };
  std::function<NameServer::Stream(const Bytes&)> carry;
  SUBCASE("in one piece") {
    carry = [](const Bytes& reply) { return NameServer::Stream{{reply}}; };
  }
  SUBCASE("in single octets") {
    carry = [](const Bytes& reply) { return NameServer::Stream{fakes::in_single_bytes(reply)}; };
  }
  SUBCASE("and then closed") {
    carry = [](const Bytes& reply) { return NameServer::Stream{{reply}, true}; };
  }
  SUBCASE("with more behind it") {
    carry = [](const Bytes& reply) { return NameServer::Stream{{reply, Bytes(5000)}}; };
  }
  world.server.on_stream = [&](const Bytes& query) {
    return carry(fakes::with_length(txt_reply(query, "whole").bytes()));
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"whole"});
  CHECK(world.server.datagrams.size() == 1);
  REQUIRE(world.server.streams.size() == 1);
  CHECK(fakes::question_of(world.server.streams[0]) == "TXT _mta-sts.example.org");
}

TEST_CASE("D-f TCP that gives no whole reply is a failure with its cause") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{txt_reply(query, "part").truncated().bytes()};
  };
  std::string text = "TCP connection closed early for TXT _mta-sts.example.org";
  auto fault = base::Fault::dns_timeout;
  std::function<NameServer::Stream(const Bytes&)> answer;
  SUBCASE("closed at once") {
    answer = [](const Bytes&) { return NameServer::Stream{{}, true}; };
  }
  SUBCASE("closed after the length") {
    answer = [](const Bytes&) { return NameServer::Stream{{{0, 100}}, true}; };
  }
  SUBCASE("closed before the end") {
    answer = [](const Bytes& query) {
      auto reply = fakes::with_length(txt_reply(query, "whole").bytes());
      reply.pop_back();
      return NameServer::Stream{{reply}, true};
    };
  }
  SUBCASE("truncated again") {
    text = "TCP: truncated reply for TXT _mta-sts.example.org";
    fault = base::Fault::invalid;
    answer = [](const Bytes& query) {
      return NameServer::Stream{{fakes::with_length(txt_reply(query, "part").truncated().bytes())}};
    };
  }
  SUBCASE("length zero") {
    text = "TCP: not a reply to the question for TXT _mta-sts.example.org";
    fault = base::Fault::invalid;
    answer = [](const Bytes&) { return NameServer::Stream{{{0, 0}}}; };
  }
  world.server.on_stream = answer;
  const auto asked = ask(world.loop, world.resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() == base::Error{fault, text});
  CHECK(world.server.streams.size() == 3);
}

TEST_CASE("D-f TCP that stalls does not keep the next attempt from succeeding") {
  World world;
  world.server.on_datagram = [&](const Bytes& query, const auto&) {
    const bool first = world.server.datagrams.size() == 1;
    auto reply = txt_reply(query, "x");
    return Replies{first ? reply.truncated().bytes() : reply.bytes()};
  };
  const auto asked = ask(world.loop, world.resolver);
  CHECK(txt_of(asked) == Texts{"x"});
  CHECK(asked.took.count() < 1000);
}

TEST_CASE("A-5 a TXT of 64 KiB comes over TCP") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{fakes::DnsReplyBuilder(query).truncated().bytes()};
  };
  world.server.on_stream = [](const Bytes& query) {
    auto reply = fakes::DnsReplyBuilder(query).bytes();
    reply[7] = 1;
    for (unsigned field : {0xc00cU, 16U, 1U, 0U, 300U, 255U * 256U})
      fakes::append_u16(reply, field);
    for (int i = 0; i < 255; ++i) {
      reply.push_back(255);
      reply.resize(reply.size() + 255, 'x');
    }
    return NameServer::Stream{{fakes::with_length(reply)}};
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{std::string(255 * 255, 'x')});
}

TEST_CASE("RFC 6891 a server that refuses EDNS is asked once more without") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    const bool edns = query[11] != 0;
    return Replies{edns ? fakes::DnsReplyBuilder(query).rcode(1).bytes()
                        : txt_reply(query, "plain").bytes()};
  };
  const auto asked = ask(world.loop, world.resolver);
  CHECK(txt_of(asked) == Texts{"plain"});
  CHECK(asked.took.count() < 250);
  CHECK(world.server.datagrams.size() == 2);
}

TEST_CASE("a server that always says FORMERR is not asked for ever") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{fakes::DnsReplyBuilder(query).rcode(1).bytes()};
  };
  const auto asked = ask(world.loop, world.resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().text == "FORMERR for TXT _mta-sts.example.org");
  CHECK(world.server.datagrams.size() == 6);
}

namespace {

/// A FORMERR of nothing but a header.
Bytes bare_formerr(const Bytes& query) {
  auto bytes = fakes::DnsReplyBuilder(query).rcode(1).bytes();
  bytes.resize(12);
  bytes[5] = 0;
  return bytes;
}

}  // namespace

TEST_CASE("RFC 6891 a FORMERR without the question makes it ask once more without EDNS") {
  World world;
  bool over_tcp = false;
  SUBCASE("over UDP") {}
  SUBCASE("over TCP") { over_tcp = true; }
  const auto answer = [](const Bytes& query) {
    return query[11] != 0 ? bare_formerr(query) : txt_reply(query, "plain").bytes();
  };
  world.server.on_datagram = [&](const Bytes& query, const auto&) {
    return Replies{over_tcp ? fakes::DnsReplyBuilder(query).truncated().bytes() : answer(query)};
  };
  world.server.on_stream = [&](const Bytes& query) {
    return NameServer::Stream{{fakes::with_length(answer(query))}};
  };
  const auto asked = ask(world.loop, world.resolver);
  CHECK(txt_of(asked) == Texts{"plain"});
  CHECK(asked.took.count() < 250);
  CHECK(world.server.datagrams.size() == (over_tcp ? 1 : 2));
  CHECK(world.server.streams.size() == (over_tcp ? 2 : 0));
}

TEST_CASE("D-b bare FORMERRs that are forged cost no more than EDNS") {
  World world;
  unsigned forged = 0;
  SUBCASE("one to the query with EDNS") { forged = 1; }
  SUBCASE("seven to each") { forged = 7; }
  world.server.on_datagram = [&](const Bytes& query, const auto&) {
    Replies replies(forged, bare_formerr(query));
    replies.push_back(txt_reply(query, "true").bytes());
    return replies;
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"true"});
  REQUIRE(world.server.datagrams.size() == 2);
  // The second query is another one for whoever guesses.
  CHECK(world.server.sources[0] != world.server.sources[1]);
  CHECK(world.server.streams.empty());
}

TEST_CASE("D-b a bare FORMERR with a wrong id does nothing") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    auto forged = bare_formerr(query);
    forged[1] ^= 1U;
    return Replies{forged, txt_reply(query, "true").bytes()};
  };
  CHECK(txt_of(ask(world.loop, world.resolver)) == Texts{"true"});
  CHECK(world.server.datagrams.size() == 1);
}

TEST_CASE("a server that says nothing but bare FORMERR is our own dead resolver") {
  World world;
  world.server.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{bare_formerr(query)};
  };
  const auto asked = ask(world.loop, world.resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error().fault == base::Fault::dns_unreachable);
  // Three attempts and the question whether it is there at all, each with and without EDNS.
  CHECK(world.server.datagrams.size() == 8);
}

TEST_CASE("RFC 8914 decisions 32: a failure ends with what the server added to it") {
  World world;
  std::string text = "SERVFAIL for TXT _mta-sts.example.org";
  std::function<fakes::DnsReplyBuilder(fakes::DnsReplyBuilder)> fail;
  SUBCASE("one error") {
    text += ": DNSSEC Bogus (EDE 6): signature expired";
    fail = [](auto reply) { return reply.rcode(2).extended_error(6, "signature expired"); };
  }
  SUBCASE("the first reply's, where later ones come from a cache") {
    text += ": DNSSEC Bogus (EDE 6)";
    fail = [&](auto reply) {
      return reply.rcode(2).extended_error(world.server.datagrams.size() == 1 ? 6 : 13);
    };
  }
  SUBCASE("the first reply's, where later ones have none") {
    text += ": No Reachable Authority (EDE 22)";
    fail = [&](auto reply) {
      return world.server.datagrams.size() == 1 ? reply.rcode(2).extended_error(22)
                                                : reply.rcode(2);
    };
  }
  SUBCASE("a later reply's, where the first has none") {
    text += ": Network Error (EDE 23)";
    fail = [&](auto reply) {
      return world.server.datagrams.size() == 1 ? reply.rcode(2)
                                                : reply.rcode(2).extended_error(23);
    };
  }
  SUBCASE("none") {
    fail = [](auto reply) { return reply.rcode(2); };
  }
  world.server.on_datagram = [&](const Bytes& query, const auto&) {
    return Replies{fail(fakes::DnsReplyBuilder(query)).bytes()};
  };
  const auto asked = ask(world.loop, world.resolver);
  REQUIRE_FALSE(asked.result.ok());
  CHECK(asked.result.error() == base::Error{base::Fault::dns_failed, text});
}

TEST_CASE("F18: a server that does not recurse is named, and the next one is asked") {
  Loop loop;
  NameServer unwilling(loop), good(loop);
  unwilling.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{fakes::DnsReplyBuilder(query).no_recursion().bytes()};
  };
  good.on_datagram = [](const Bytes& query, const auto&) {
    return Replies{txt_reply(query, "x").bytes()};
  };
  DnsResolver::Options options{.servers = {},
                               .timeout = base::milliseconds(300),
                               .pause = base::milliseconds(20),
                               .long_pause = base::milliseconds(40)};
  SUBCASE("another server knows") {
    options.servers = {unwilling.endpoint(), good.endpoint()};
    DnsResolver resolver(loop, options);
    const auto asked = ask(loop, resolver);
    CHECK(txt_of(asked) == Texts{"x"});
    CHECK(asked.took.count() < 250);
  }
  SUBCASE("it is the only one") {
    options.servers = {unwilling.endpoint()};
    DnsResolver resolver(loop, options);
    const auto asked =
        ask(loop, resolver, {*base::DomainName::parse("example.org"), RecordType::mx});
    REQUIRE_FALSE(asked.result.ok());
    CHECK(asked.result.error() ==
          base::Error{base::Fault::dns_failed, "name server " + unwilling.endpoint().text() +
                                                   " does not recurse (no RA) for MX example.org"});
  }
}

TEST_CASE("F19: the target of a CNAME is asked for where the server leaves it out") {
  World world;
  struct Link {
    std::string name, target;
  };
  std::vector<Link> links{{kStsName, "a.example.net"}};
  unsigned rcode = 0;
  SUBCASE("one CNAME") {}
  SUBCASE("one CNAME with NXDOMAIN") { rcode = 3; }
  SUBCASE("two") { links.push_back({"a.example.net", "b.example.com"}); }
  world.server.on_datagram = [&](const Bytes& query, const auto&) {
    fakes::DnsReplyBuilder reply(query);
    const auto asked = fakes::question_of(query);
    for (const auto& link : links)
      if (asked == "TXT " + link.name)
        return Replies{
            reply.rcode(rcode).answer(link.name + ". 300 IN CNAME " + link.target + ".").bytes()};
    return Replies{reply.answer(links.back().target + ". 300 IN TXT \"x\"").bytes()};
  };
  const auto asked = ask(world.loop, world.resolver);
  CHECK(txt_of(asked) == Texts{"x"});
  CHECK(asked.result->canonical_name == links.back().target);
  CHECK(world.server.datagrams.size() == links.size() + 1);
}
