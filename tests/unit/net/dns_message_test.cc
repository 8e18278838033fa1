#include "net/dns_message.h"

#include <doctest/doctest.h>
#include <ldns/ldns.h>

#include <chrono>

#include "fakes/dns_reply.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using fakes::append_name;
using fakes::append_u16;
using fakes::append_u32;
using fakes::Bytes;
using fakes::DnsReplyBuilder;
using std::chrono::seconds;

namespace {

constexpr std::uint16_t kId = 0x1234;
const std::string kName = "_mta-sts.example.org";
const std::string kSoa = "example.org. 3600 IN SOA ns.example.org. root.example.org. 1 2 3 4 7";

DnsQuestion question(RecordType type, const std::string& name = kName) {
  return {*base::DomainName::parse(name), type};
}

DnsReplyBuilder reply_to(const DnsQuestion& asked) {
  return DnsReplyBuilder(build_query(asked, kId, Edns::with));
}

DnsReply parse(const DnsReplyBuilder& reply, const DnsQuestion& asked) {
  return parse_reply(reply.bytes(), asked, kId);
}

// The answer, which the reply must have.
DnsAnswer answer_in(const DnsReplyBuilder& reply, const DnsQuestion& asked) {
  auto parsed = parse(reply, asked);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  return std::get<DnsAnswer>(std::move(parsed));
}

// Header and question of a reply to `asked`, for records written by hand.
Bytes start_of_reply(const DnsQuestion& asked, unsigned answers) {
  auto bytes = reply_to(asked).bytes();
  bytes[6] = static_cast<std::uint8_t>(answers >> 8U);
  bytes[7] = static_cast<std::uint8_t>(answers & 0xffU);
  return bytes;
}

// Everything of a record before its data; the owner is the question's name.
void append_record_head(Bytes& to, RecordType type, std::uint32_t ttl, std::size_t rdlength) {
  append_u16(to, 0xc00c);
  append_u16(to, static_cast<unsigned>(type));
  append_u16(to, LDNS_RR_CLASS_IN);
  append_u32(to, ttl);
  append_u16(to, static_cast<unsigned>(rdlength));
}

DnsReplyBuilder chain_of(const DnsQuestion& asked, unsigned cnames) {
  auto reply = reply_to(asked);
  auto owner = asked.name.text();
  for (unsigned i = 1; i <= cnames; ++i) {
    const auto target = "c" + std::to_string(i) + ".example.org";
    reply.answer(owner + ". 300 IN CNAME " + target + ".");
    owner = target;
  }
  return reply.answer(owner + ". 300 IN TXT \"end\"");
}

template <class F>
std::chrono::milliseconds duration_of(const F& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

}  // namespace

TEST_CASE("D1 a query asks for recursion and for AD, and with EDNS for DO and 1232 octets") {
  const auto bytes = build_query(question(RecordType::txt), kId, Edns::with);
  ldns_pkt* packet = nullptr;
  REQUIRE(ldns_wire2pkt(&packet, bytes.data(), bytes.size()) == LDNS_STATUS_OK);
  CHECK(ldns_pkt_id(packet) == kId);
  CHECK(ldns_pkt_rd(packet));
  CHECK(ldns_pkt_ad(packet));
  CHECK_FALSE(ldns_pkt_cd(packet));
  CHECK_FALSE(ldns_pkt_qr(packet));
  CHECK(ldns_pkt_edns_udp_size(packet) == 1232);
  CHECK(ldns_pkt_edns_do(packet));
  CHECK(ldns_pkt_qdcount(packet) == 1);
  ldns_pkt_free(packet);
  CHECK(fakes::question_of(bytes) == "TXT _mta-sts.example.org");
}

TEST_CASE("a query without EDNS has no OPT record") {
  const auto bytes = build_query(question(RecordType::a), kId, Edns::without);
  CHECK(bytes[11] == 0);
  CHECK(bytes.size() == 12 + 22 + 4);
}

TEST_CASE("the longest name can be asked for") {
  std::string name(63, 'a');
  name += "." + name + "." + name + "." + std::string(61, 'b');
  const auto asked = question(RecordType::a, name);
  const auto bytes = build_query(asked, kId, Edns::without);
  CHECK(bytes.size() == 12 + 255 + 4);
  CHECK(answer_in(reply_to(asked).answer(name + ". 60 IN A 192.0.2.1"), asked).addresses.size() ==
        1);
}

TEST_CASE("D-b what is no reply to the question is not ours") {
  const auto asked = question(RecordType::txt);
  auto good = reply_to(asked).answer(kName + ". 300 IN TXT \"x\"");
  REQUIRE(std::holds_alternative<DnsAnswer>(parse(good, asked)));
  auto bytes = good.bytes();
  SUBCASE("wrong id") { bytes[1] ^= 1U; }
  SUBCASE("a query") { bytes[2] &= 0x7fU; }
  SUBCASE("wrong opcode") { bytes[2] |= 0x28U; }
  SUBCASE("no question") { bytes[5] = 0; }
  SUBCASE("two questions") { bytes[5] = 2; }
  SUBCASE("wrong name") { bytes = good.question("_mta-sts.example.net", 16).bytes(); }
  SUBCASE("wrong type") { bytes = good.question(kName, 1).bytes(); }
  SUBCASE("wrong class") { bytes[12 + 22 + 3] = 3; }
  SUBCASE("more records than the message could hold") { bytes[6] = 0xff; }
  SUBCASE("half a header") { bytes.resize(11); }
  SUBCASE("half a question") { bytes.resize(20); }
  SUBCASE("nothing") { bytes.clear(); }
  SUBCASE("question's name is a pointer to itself") {
    bytes[12] = 0xc0;
    bytes[13] = 12;
  }
  CHECK(std::holds_alternative<NotOurs>(parse_reply(bytes, asked, kId)));
}

TEST_CASE("D-c the question is compared without regard to case") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).question("_MTA-sts.eXample.ORG", 16);
  reply.answer("_mta-STS.Example.org. 300 IN TXT \"x\"");
  CHECK(answer_in(reply, asked).txt == std::vector<std::string>{"x"});
}

TEST_CASE("S6 several strings of one TXT are joined without spaces") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked);
  reply.answer(kName + ". 300 IN TXT \"v=STSv1; id=2016\" \"0831\" \"\" \";\"");
  reply.answer(kName + ". 200 IN TXT \"v=spf1 -all\"");
  const auto answer = answer_in(reply, asked);
  CHECK(answer.kind == DnsAnswer::Kind::records);
  CHECK(answer.txt == std::vector<std::string>{"v=STSv1; id=20160831;", "v=spf1 -all"});
  CHECK(answer.ttl == seconds(200));
  CHECK(answer.canonical_name == kName);
}

TEST_CASE("a TXT keeps every octet, NUL and quotes included") {
  const auto asked = question(RecordType::txt);
  auto bytes = start_of_reply(asked, 1);
  append_record_head(bytes, RecordType::txt, 1, 5);
  bytes.insert(bytes.end(), {4, 'a', 0, '"', 0xff});
  const auto parsed = parse_reply(bytes, asked, kId);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  CHECK(std::get<DnsAnswer>(parsed).txt.at(0) == std::string("a\0\"\xff", 4));
}

TEST_CASE("S7 CNAMEs are followed in whatever order they stand") {
  const auto asked = question(RecordType::txt);
  const std::string first = kName + ". 300 IN CNAME b.example.net.";
  const std::string second = "B.example.net. 50 IN CNAME c.example.com.";
  const std::string last = "c.example.com. 300 IN TXT \"x\"";
  auto reply = reply_to(asked);
  SUBCASE("forwards") { reply.answer(first).answer(second).answer(last); }
  SUBCASE("backwards") { reply.answer(last).answer(second).answer(first); }
  SUBCASE("mixed") { reply.answer(second).answer(last).answer(first); }
  const auto answer = answer_in(reply, asked);
  CHECK(answer.txt == std::vector<std::string>{"x"});
  CHECK(answer.canonical_name == "c.example.com");
  CHECK(answer.ttl == seconds(50));
}

TEST_CASE("A-5 a CNAME chain of 3 or 16 is followed, one of 17 or a loop is refused") {
  const auto asked = question(RecordType::txt);
  for (unsigned cnames : {0U, 3U, 16U}) {
    CAPTURE(cnames);
    CHECK(answer_in(chain_of(asked, cnames), asked).txt == std::vector<std::string>{"end"});
  }
  CHECK(std::holds_alternative<BadChain>(parse(chain_of(asked, 17), asked)));
  auto loop = reply_to(asked);
  loop.answer(kName + ". 300 IN CNAME b.example.org.");
  loop.answer("b.example.org. 300 IN CNAME " + kName + ".");
  CHECK(std::holds_alternative<BadChain>(parse(loop, asked)));
  auto own = reply_to(asked).answer(kName + ". 300 IN CNAME " + kName + ".");
  CHECK(std::holds_alternative<BadChain>(parse(own, asked)));
}

TEST_CASE("A-5 the limit of a chain spans the messages of a look-up") {
  const auto asked = question(RecordType::txt);
  const auto bytes = chain_of(asked, 3).bytes();
  CHECK(std::holds_alternative<DnsAnswer>(parse_reply(bytes, asked, kId, 3)));
  CHECK(std::holds_alternative<BadChain>(parse_reply(bytes, asked, kId, 2)));
}

TEST_CASE("D-d records that are not reached from the question are ignored") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked);
  reply.answer("_mta-sts.example.net. 1 IN TXT \"other owner\"");
  reply.answer("_mta-sts.example.net. 1 IN CNAME c.example.net.");
  reply.answer(kName + ". 300 IN CNAME a.example.org.");
  reply.answer("c.example.net. 1 IN TXT \"end of another chain\"");
  reply.answer(kName + ". 2 IN TXT \"beside a CNAME\"");
  reply.answer("a.example.org. 300 CH TXT \"other class\"");
  reply.answer("a.example.org. 3 IN SPF \"other type\"");
  reply.authority("a.example.org. 4 IN TXT \"other section\"");
  reply.additional("a.example.org. 5 IN TXT \"other section\"");
  SUBCASE("with the true record") {
    reply.answer("a.example.org. 200 IN TXT \"true\"");
    const auto answer = answer_in(reply, asked);
    CHECK(answer.txt == std::vector<std::string>{"true"});
    CHECK(answer.ttl == seconds(200));
  }
  SUBCASE("without it") {
    reply.authority(kSoa);
    CHECK(answer_in(reply, asked).kind == DnsAnswer::Kind::no_data);
  }
}

TEST_CASE("N1 the negative TTL is the lesser of the SOA's TTL and MINIMUM") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked);
  SUBCASE("MINIMUM 7") { reply.authority(kSoa); }
  SUBCASE("TTL 7") {
    reply.authority("example.org. 7 IN SOA ns.example.org. root.example.org. 1 2 3 4 3600");
  }
  SUBCASE("of the root") { reply.authority(". 7 IN SOA a.example. b.example. 1 2 3 4 3600"); }
  SUBCASE("among signatures and NSEC") {
    reply.authority("example.org. 900 IN NSEC a.example.org. NS SOA").authority(kSoa);
  }
  const auto no_data = answer_in(reply, asked);
  CHECK(no_data.kind == DnsAnswer::Kind::no_data);
  CHECK(no_data.ttl == seconds(7));
  const auto no_name = answer_in(reply.rcode(3), asked);
  CHECK(no_name.kind == DnsAnswer::Kind::no_such_name);
  CHECK(no_name.ttl == seconds(7));
}

TEST_CASE("N4 without a SOA that concerns the name the negative TTL is zero") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked);
  SUBCASE("none") {}
  SUBCASE("another zone's") {
    reply.authority("xample.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 60");
  }
  SUBCASE("a zone below") {
    reply.authority("a." + kName + ". 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 60");
  }
  SUBCASE("in the wrong section") { reply.additional(kSoa); }
  CHECK(answer_in(reply, asked).ttl == seconds(0));
  CHECK(answer_in(reply.rcode(3), asked).ttl == seconds(0));
}

TEST_CASE("N7 NXDOMAIN after a CNAME concerns the target") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).rcode(3).answer(kName + ". 300 IN CNAME gone.example.net.");
  reply.authority("example.net. 60 IN SOA ns.example.net. root.example.net. 1 2 3 4 60");
  const auto answer = answer_in(reply, asked);
  CHECK(answer.kind == DnsAnswer::Kind::no_such_name);
  CHECK(answer.canonical_name == "gone.example.net");
  CHECK(answer.ttl == seconds(60));
}

TEST_CASE("a negative answer lives no longer than the CNAME that led to it") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).answer(kName + ". 5 IN CNAME a.example.org.").authority(kSoa);
  CHECK(answer_in(reply, asked).ttl == seconds(5));
}

TEST_CASE("S7 a chain that leads out of the answer is to be followed") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).ad().answer(kName + ". 30 IN CNAME a.Example.net.");
  reply.answer("a.example.net. 20 IN CNAME b.example.net.");
  const auto parsed = parse(reply, asked);
  REQUIRE(std::holds_alternative<Follow>(parsed));
  const auto& follow = std::get<Follow>(parsed);
  CHECK(follow.target.text() == "b.example.net");
  CHECK(follow.cnames == 2);
  CHECK(follow.ttl == seconds(20));
  CHECK(follow.ad);
}

TEST_CASE("F19: the target of a CNAME that the reply does not speak of is asked for") {
  struct Row {
    std::string what;
    std::vector<std::string> authority;
    unsigned rcode;
  };
  const std::string elsewhere =
      "example.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 60";
  const Row rows[] = {
      {"CNAME alone", {}, 0},
      {"CNAME alone with NXDOMAIN", {}, 3},
      {"beside NS", {"example.net. 60 IN NS ns.example.net."}, 0},
      {"beside the SOA of the alias's zone", {elsewhere}, 0},
      {"beside the SOA of the alias's zone with NXDOMAIN", {elsewhere}, 3},
      {"beside the SOA of a zone below the target",
       {"a.t.example.net. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 60"},
       0},
  };
  for (const auto type :
       {RecordType::txt, RecordType::a, RecordType::aaaa, RecordType::mx, RecordType::tlsa}) {
    for (const auto& row : rows) {
      for (const bool recursive : {true, false}) {
        CAPTURE(name_of(type));
        CAPTURE(row.what);
        CAPTURE(recursive);
        const auto asked = question(type);
        auto reply = reply_to(asked).ad().rcode(row.rcode);
        if (!recursive) reply.no_recursion();
        reply.answer(kName + ". 30 IN CNAME t.Example.net.");
        for (const auto& record : row.authority) reply.authority(record);
        const auto parsed = parse(reply, asked);
        REQUIRE(std::holds_alternative<Follow>(parsed));
        CHECK(std::get<Follow>(parsed).target.text() == "t.example.net");
        CHECK(std::get<Follow>(parsed).cnames == 1);
        CHECK(std::get<Follow>(parsed).ttl == seconds(30));
        CHECK(std::get<Follow>(parsed).ad);
      }
    }
  }
}

TEST_CASE("F18, network D8: an empty reply or a referral without RA is no denial") {
  const std::string ns = "org. 60 IN NS ns.example.net.";
  struct Row {
    std::string what, authority;
    unsigned rcode;
    bool recursive, is_denial;
  };
  const Row rows[] = {
      {"empty", "", 0, false, false},
      {"empty NXDOMAIN", "", 3, false, false},
      {"referral", ns, 0, false, false},
      {"SOA of another zone", "example.net. 60 IN SOA a.example. b.example. 1 2 3 4 60", 0, false,
       false},
      {"NODATA of an authoritative server", kSoa, 0, false, true},
      {"NXDOMAIN of an authoritative server", kSoa, 3, false, true},
      {"empty, with RA", "", 0, true, true},
      {"empty NXDOMAIN, with RA", "", 3, true, true},
  };
  for (const auto type :
       {RecordType::txt, RecordType::mx, RecordType::a, RecordType::tlsa, RecordType::cname}) {
    for (const auto& row : rows) {
      CAPTURE(name_of(type));
      CAPTURE(row.what);
      const auto asked = question(type);
      auto reply = reply_to(asked).rcode(row.rcode);
      if (!row.recursive) reply.no_recursion();
      if (!row.authority.empty()) reply.authority(row.authority);
      const auto parsed = parse(reply, asked);
      CHECK(std::holds_alternative<DnsAnswer>(parsed) == row.is_denial);
      CHECK(std::holds_alternative<NotRecursive>(parsed) != row.is_denial);
    }
  }
}

TEST_CASE("F18, network D8: records without RA are records, those of others are none") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).no_recursion();
  CHECK(answer_in(reply.answer(kName + ". 300 IN TXT \"x\""), asked).txt.size() == 1);
  auto others = reply_to(asked).no_recursion().answer("example.net. 300 IN TXT \"x\"");
  CHECK(std::holds_alternative<NotRecursive>(parse(others, asked)));
}

TEST_CASE("RFC 8914 a failing reply has what the server adds to it") {
  const auto asked = question(RecordType::txt);
  const std::vector<ExtendedError> expected{{6, "signature expired"}, {22, ""}};
  auto reply = reply_to(asked).extended_error(6, "signature expired").extended_error(22);
  for (const unsigned rcode : {2U, 5U}) {
    const auto parsed = parse(reply.rcode(rcode), asked);
    REQUIRE(std::holds_alternative<FailingRcode>(parsed));
    CHECK(std::get<FailingRcode>(parsed).rcode == rcode);
    CHECK(std::get<FailingRcode>(parsed).errors == expected);
  }
  const auto unwilling = parse(reply.rcode(0).no_recursion(), asked);
  REQUIRE(std::holds_alternative<NotRecursive>(unwilling));
  CHECK(std::get<NotRecursive>(unwilling).errors == expected);
}

TEST_CASE("RFC 8914 an error beside an answer changes nothing of it") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).extended_error(3, "stale").answer(kName + ". 30 IN TXT \"x\"");
  CHECK(answer_in(reply, asked).txt == std::vector<std::string>{"x"});
  auto denial = reply_to(asked).extended_error(17).authority(kSoa);
  CHECK(answer_in(denial, asked).kind == DnsAnswer::Kind::no_data);
  CHECK(answer_in(denial.rcode(3), asked).kind == DnsAnswer::Kind::no_such_name);
}

TEST_CASE("a failing reply that is cut is still a failure") {
  const auto asked = question(RecordType::txt);
  const auto whole = reply_to(asked).rcode(2).extended_error(6, std::string(40, 'x')).bytes();
  for (std::size_t cut = 1; cut < 30; ++cut) {
    CAPTURE(cut);
    const auto parsed = parse_reply(WireMessage(whole).first(whole.size() - cut), asked, kId);
    REQUIRE(std::holds_alternative<FailingRcode>(parsed));
    CHECK(std::get<FailingRcode>(parsed).rcode == 2);
    CHECK(std::get<FailingRcode>(parsed).errors.empty());
  }
}

TEST_CASE("a FORMERR that is nothing but a header is told from what is not ours") {
  const auto asked = question(RecordType::txt);
  auto bytes = reply_to(asked).rcode(1).bytes();
  bytes.resize(12);
  bytes[5] = 0;
  CHECK(std::holds_alternative<BareFormErr>(parse_reply(bytes, asked, kId)));
  CHECK(std::holds_alternative<NotOurs>(parse_reply(bytes, asked, kId + 1)));
  SUBCASE("a query") { bytes[2] &= 0x7fU; }
  SUBCASE("wrong opcode") { bytes[2] |= 0x28U; }
  SUBCASE("truncated") { bytes[2] |= 2U; }
  SUBCASE("NOERROR") { bytes[3] &= 0xf0U; }
  SUBCASE("SERVFAIL") { bytes[3] = static_cast<std::uint8_t>((bytes[3] & 0xf0U) | 2U); }
  SUBCASE("NXDOMAIN") { bytes[3] = static_cast<std::uint8_t>((bytes[3] & 0xf0U) | 3U); }
  SUBCASE("a question is claimed") { bytes[5] = 1; }
  SUBCASE("an answer is claimed") { bytes[7] = 1; }
  SUBCASE("an authority is claimed") { bytes[9] = 1; }
  SUBCASE("half a header") { bytes.resize(11); }
  CHECK(std::holds_alternative<NotOurs>(parse_reply(bytes, asked, kId)));
}

TEST_CASE("a CNAME to what is no domain name cannot be followed") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked);
  SUBCASE("root") { reply.answer(kName + ". 30 IN CNAME ."); }
  SUBCASE("blank in a label") { reply.answer(kName + ". 30 IN CNAME a\\032b.example.org."); }
  SUBCASE("dot in a label") { reply.answer(kName + ". 30 IN CNAME a\\.b.example.org."); }
  CHECK(std::holds_alternative<BadChain>(parse(reply, asked)));
}

TEST_CASE("MX records are sorted by preference and otherwise keep their order") {
  const auto asked = question(RecordType::mx, "example.org");
  auto reply = reply_to(asked);
  reply.answer("example.org. 300 IN MX 20 C.example.org.");
  reply.answer("example.org. 300 IN MX 10 b.example.org.");
  reply.answer("example.org. 300 IN MX 20 a.example.org.");
  reply.answer("example.org. 300 IN MX 5 bad\\032name.example.org.");
  const std::vector<MxRecord> expected{
      {5, ""}, {10, "b.example.org"}, {20, "c.example.org"}, {20, "a.example.org"}};
  CHECK(answer_in(reply, asked).mx == expected);
}

TEST_CASE("RFC 7505 the null MX is an empty exchange") {
  const auto asked = question(RecordType::mx, "example.org");
  const auto answer = answer_in(reply_to(asked).answer("example.org. 300 IN MX 0 ."), asked);
  CHECK(answer.mx == std::vector<MxRecord>{{0, ""}});
}

TEST_CASE("addresses and TLSA records come as they are") {
  const auto a = question(RecordType::a, "example.org");
  auto answer = answer_in(reply_to(a).answer("example.org. 300 IN A 192.0.2.7"), a);
  CHECK(answer.addresses.at(0).text() == "192.0.2.7");
  const auto aaaa = question(RecordType::aaaa, "example.org");
  answer = answer_in(reply_to(aaaa).answer("example.org. 300 IN AAAA 2001:db8::7"), aaaa);
  CHECK(answer.addresses.at(0).text() == "2001:db8::7");
  const auto tlsa = question(RecordType::tlsa, "_25._tcp.example.org");
  answer = answer_in(reply_to(tlsa).answer("_25._tcp.example.org. 9 IN TLSA 3 1 1 abcd"), tlsa);
  CHECK(answer.tlsa == std::vector<TlsaRecord>{{3, 1, 1, {0xab, 0xcd}}});
}

TEST_CASE("D6 a question for a CNAME tells its target and does not go through it") {
  const auto asked = question(RecordType::cname, "mx.example.org");
  auto reply = reply_to(asked).ad().answer("mx.example.org. 40 IN CNAME mx.example.net.");
  reply.answer("mx.example.net. 10 IN CNAME mx.example.com.");
  const auto answer = answer_in(reply, asked);
  CHECK(answer.kind == DnsAnswer::Kind::records);
  CHECK(answer.canonical_name == "mx.example.net");
  CHECK(answer.ttl == seconds(40));
  CHECK(answer.authenticated);
  CHECK(answer_in(reply_to(asked).authority(kSoa), asked).kind == DnsAnswer::Kind::no_data);
}

TEST_CASE("RFC 2181 a TTL with its sign bit set is zero") {
  const auto asked = question(RecordType::txt);
  auto bytes = start_of_reply(asked, 1);
  append_record_head(bytes, RecordType::txt, 0x80000001, 2);
  bytes.insert(bytes.end(), {1, 'a'});
  const auto parsed = parse_reply(bytes, asked, kId);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  CHECK(std::get<DnsAnswer>(parsed).ttl == seconds(0));
}

TEST_CASE("D2 every RCODE but NOERROR and NXDOMAIN is a failure") {
  const auto asked = question(RecordType::txt);
  for (unsigned rcode = 0; rcode < 16; ++rcode) {
    CAPTURE(rcode);
    const auto parsed = parse(reply_to(asked).rcode(rcode).authority(kSoa), asked);
    if (rcode == 0 || rcode == 3) {
      CHECK(std::holds_alternative<DnsAnswer>(parsed));
    } else {
      REQUIRE(std::holds_alternative<FailingRcode>(parsed));
      CHECK(std::get<FailingRcode>(parsed).rcode == rcode);
    }
  }
  CHECK(name_of_rcode(2) == "SERVFAIL");
  CHECK(name_of_rcode(5) == "REFUSED");
  CHECK(name_of_rcode(3841) == "RCODE 3841");
}

TEST_CASE("RFC 6891 the upper bits of the RCODE stand in the OPT record") {
  const auto asked = question(RecordType::txt);
  auto bytes = reply_to(asked).bytes();
  bytes[11] = 1;
  bytes.push_back(0);
  append_u16(bytes, LDNS_RR_TYPE_OPT);
  append_u16(bytes, 1232);
  append_u32(bytes, 0x01000000);
  append_u16(bytes, 0);
  const auto parsed = parse_reply(bytes, asked, kId);
  REQUIRE(std::holds_alternative<FailingRcode>(parsed));
  CHECK(std::get<FailingRcode>(parsed).rcode == 16);
}

TEST_CASE("D-f a truncated reply is told as such, whatever it holds") {
  const auto asked = question(RecordType::txt);
  auto reply = reply_to(asked).truncated().answer(kName + ". 300 IN TXT \"x\"");
  CHECK(std::holds_alternative<Truncated>(parse(reply, asked)));
}

TEST_CASE("malformed records make the reply malformed") {
  const auto txt = question(RecordType::txt);
  const auto mx = question(RecordType::mx);
  const auto a = question(RecordType::a);
  const auto tlsa = question(RecordType::tlsa);
  struct Row {
    std::string what;
    DnsQuestion asked;
    Bytes rdata;
  };
  const Row rows[] = {
      {"TXT without strings", txt, {}},
      {"TXT string beyond its record", txt, {5, 'a'}},
      {"MX without exchange", mx, {0, 10}},
      {"MX with half a preference", mx, {0}},
      {"MX with a name beyond the message", mx, {0, 10, 9, 'a'}},
      {"MX with a forward pointer", mx, {0, 10, 0xff, 0xff}},
      {"MX with octets behind the name", mx, {0, 10, 1, 'a', 0, 7}},
      {"A of three octets", a, {1, 2, 3}},
      {"A of five octets", a, {1, 2, 3, 4, 5}},
      {"A of sixteen octets", a, Bytes(16, 1)},
      {"TLSA of two octets", tlsa, {3, 1}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto bytes = start_of_reply(row.asked, 1);
    append_record_head(bytes, row.asked.type, 300, row.rdata.size());
    bytes.insert(bytes.end(), row.rdata.begin(), row.rdata.end());
    CHECK(std::holds_alternative<Malformed>(parse_reply(bytes, row.asked, kId)));
  }
}

TEST_CASE("a record that ends beyond the message makes the reply malformed") {
  const auto asked = question(RecordType::txt);
  auto bytes = start_of_reply(asked, 1);
  append_record_head(bytes, RecordType::txt, 300, 100);
  bytes.insert(bytes.end(), {1, 'a'});
  CHECK(std::holds_alternative<Malformed>(parse_reply(bytes, asked, kId)));
}

TEST_CASE("A-5 a loop of compression pointers ends the reading") {
  const auto asked = question(RecordType::txt);
  auto bytes = start_of_reply(asked, 1);
  const auto at = static_cast<unsigned>(bytes.size());
  SUBCASE("to itself") { append_u16(bytes, 0xc000U | at); }
  SUBCASE("forwards") { append_u16(bytes, 0xc000U | (at + 2)); }
  SUBCASE("two in a circle") {
    bytes.insert(bytes.end(), {1, 'a'});
    append_u16(bytes, 0xc000U | at);
  }
  bytes.resize(bytes.size() + 20);
  CHECK(std::holds_alternative<Malformed>(parse_reply(bytes, asked, kId)));
}

TEST_CASE("F17: as many TXT records are kept as the message holds, wherever the one stands") {
  const auto asked = question(RecordType::txt);
  constexpr int kRecords = 2000;
  for (const int place : {0, 63, 64, 100, kRecords - 1}) {
    CAPTURE(place);
    auto bytes = start_of_reply(asked, kRecords);
    for (int i = 0; i < kRecords; ++i) {
      append_record_head(bytes, RecordType::txt, i == place ? 60 : 300, 4);
      bytes.insert(bytes.end(), {3, 'a', 'b', static_cast<std::uint8_t>(i == place ? '!' : 'c')});
    }
    const auto parsed = parse_reply(bytes, asked, kId);
    REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
    const auto& answer = std::get<DnsAnswer>(parsed);
    REQUIRE(answer.txt.size() == kRecords);
    CHECK(answer.txt[static_cast<std::size_t>(place)] == "ab!");
    CHECK(answer.ttl == seconds(60));
  }
}

TEST_CASE("F17: neither TLSA records nor addresses are cut") {
  const auto tlsa = question(RecordType::tlsa, "_25._tcp.example.org");
  auto bytes = start_of_reply(tlsa, 1000);
  for (unsigned i = 0; i < 1000; ++i) {
    append_record_head(bytes, RecordType::tlsa, 300, 5);
    bytes.insert(bytes.end(), {static_cast<std::uint8_t>(i == 999 ? 3 : 9), 1, 1, 0, 0});
  }
  auto parsed = parse_reply(bytes, tlsa, kId);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  REQUIRE(std::get<DnsAnswer>(parsed).tlsa.size() == 1000);
  CHECK(std::get<DnsAnswer>(parsed).tlsa.back().usage == 3);

  const auto a = question(RecordType::a);
  bytes = start_of_reply(a, 1000);
  for (unsigned i = 0; i < 1000; ++i) {
    append_record_head(bytes, RecordType::a, 300, 4);
    append_u32(bytes, 0xc0000200U + i);
  }
  parsed = parse_reply(bytes, a, kId);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  CHECK(std::get<DnsAnswer>(parsed).addresses.size() == 1000);
}

TEST_CASE("F17: of 4000 MX records the 512 preferred ones are kept, though they come last") {
  const auto asked = question(RecordType::mx, "example.org");
  constexpr unsigned kRecords = 4000;
  auto bytes = start_of_reply(asked, kRecords);
  for (unsigned i = 0; i < kRecords; ++i) {
    append_record_head(bytes, RecordType::mx, i == 7 ? 9 : 300, 4);
    append_u16(bytes, kRecords - i);
    append_u16(bytes, 0xc00c);
  }
  SUBCASE("all of them sound") {
    const auto parsed = parse_reply(bytes, asked, kId);
    REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
    const auto& answer = std::get<DnsAnswer>(parsed);
    REQUIRE(answer.mx.size() == kMaxMxRecords);
    CHECK(answer.mx.front() == MxRecord{1, "example.org"});
    CHECK(answer.mx.back() == MxRecord{kMaxMxRecords, "example.org"});
    // The time to live is that of the set, which has none of its own for a part (RFC 2181 5.2).
    CHECK(answer.ttl == seconds(9));
  }
  SUBCASE("one that would be cut is malformed") {
    bytes[bytes.size() - (kRecords - 1) * 16 - 1] = 0xff;
    CHECK(std::holds_alternative<Malformed>(parse_reply(bytes, asked, kId)));
  }
}

TEST_CASE("A-5 hostile messages of full size cost no more than a moment") {
  const auto asked = question(RecordType::txt);
  Bytes bytes;
  SUBCASE("one TXT of 65,000 empty strings") {
    bytes = start_of_reply(asked, 1);
    append_record_head(bytes, RecordType::txt, 300, 65000);
    bytes.resize(bytes.size() + 65000);
  }
  SUBCASE("records whose owners are long chains of pointers") {
    bytes = start_of_reply(asked, 2001);
    append_record_head(bytes, RecordType::ns, 300, 16000);
    auto target = 12U;
    for (int i = 0; i < 8000; ++i) {
      const auto at = static_cast<unsigned>(bytes.size());
      append_u16(bytes, 0xc000U | target);
      if (at < 0x3fff) target = at;
    }
    for (int i = 0; i < 2000; ++i) {
      append_u16(bytes, 0xc000U | target);
      append_u16(bytes, 16);
      append_u16(bytes, 1);
      append_u32(bytes, 60);
      append_u16(bytes, 1);
      bytes.push_back(0);
    }
  }
  SUBCASE("5,000 CNAMEs of other owners") {
    bytes = start_of_reply(asked, 4500);
    for (int i = 0; i < 4500; ++i) {
      bytes.push_back(0);
      append_u16(bytes, 5);
      append_u16(bytes, 1);
      append_u32(bytes, 60);
      append_u16(bytes, 2);
      append_u16(bytes, 0xc00c);
    }
  }
  SUBCASE("D9: names of 8,000 labels for 2,500 records") {
    bytes = start_of_reply(asked, 2501);
    append_record_head(bytes, RecordType::ns, 300, 16001);
    const auto names = static_cast<unsigned>(bytes.size());
    for (int i = 0; i < 8000; ++i) bytes.insert(bytes.end(), {1, 'a'});
    bytes.push_back(0);
    for (int i = 0; i < 2500; ++i) {
      append_u16(bytes, 0xc000U | names);
      append_u16(bytes, 16);
      append_u16(bytes, 1);
      append_u32(bytes, 60);
      append_u16(bytes, 1);
      bytes.push_back(0);
    }
    // Too long to be a name, and left after 255 octets.
    CHECK(std::holds_alternative<Malformed>(parse_reply(bytes, asked, kId)));
  }
  REQUIRE(bytes.size() > 40000);
  CHECK(duration_of([&] { (void)parse_reply(bytes, asked, kId); }).count() < 200);
}

TEST_CASE("A-5 a TXT of nearly 64 KiB is read whole") {
  const auto asked = question(RecordType::txt);
  auto bytes = start_of_reply(asked, 1);
  append_record_head(bytes, RecordType::txt, 300, 250 * 256);
  for (int i = 0; i < 250; ++i) {
    bytes.push_back(255);
    bytes.resize(bytes.size() + 255, 'x');
  }
  const auto parsed = parse_reply(bytes, asked, kId);
  REQUIRE(std::holds_alternative<DnsAnswer>(parsed));
  CHECK(std::get<DnsAnswer>(parsed).txt.at(0) == std::string(250 * 255, 'x'));
}

TEST_CASE("an answer cut at any octet never passes for the whole") {
  const auto asked = question(RecordType::mx, "example.org");
  auto reply = reply_to(asked).answer("example.org. 300 IN CNAME a.example.org.");
  reply.answer("a.example.org. 300 IN MX 10 mx.example.org.");
  const auto whole = reply.bytes();
  REQUIRE(std::holds_alternative<DnsAnswer>(parse_reply(whole, asked, kId)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto parsed = parse_reply(WireMessage(whole).first(size), asked, kId);
    CHECK_FALSE(std::holds_alternative<DnsAnswer>(parsed));
    CHECK_FALSE(std::holds_alternative<Follow>(parsed));
  }
}
