#include "net/dns_message.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>

#include "net/dns_records.h"

namespace tlspolicyd::net {
namespace {

using std::chrono::seconds;

constexpr std::size_t kQuestionRest = 4;  // QTYPE, QCLASS
constexpr std::size_t kOptSize = 11;
constexpr unsigned kRecursionDesired = 0x0100;
constexpr unsigned kAuthenticData = 0x0020;
constexpr unsigned kDnssecOk = 0x8000;
constexpr unsigned kUdpPayload = 1232;

// Canonical wire form of a name that is known to be valid.
std::string wire_of(const base::DomainName& name) {
  std::string wire(1, '\0');
  if (name.text().empty()) return wire;
  wire += name.text();
  std::size_t length_at = 0;
  for (std::size_t i = 1; i <= wire.size(); ++i) {
    if (i < wire.size() && wire[i] != '.') continue;
    wire[length_at] = static_cast<char>(i - length_at - 1);
    length_at = i;
  }
  wire.push_back('\0');
  return wire;
}

// The offset behind the question, if the message answers `question` (RFC 5452 9.1).
std::optional<std::size_t> match_question(WireMessage message, const std::string& name,
                                          RecordType type, std::uint16_t id) {
  if (message.size() < kDnsHeaderSize) return std::nullopt;
  const auto* header = message.data();
  if (LDNS_ID_WIRE(header) != id || !LDNS_QR_WIRE(header)) return std::nullopt;
  if (LDNS_OPCODE_WIRE(header) != LDNS_PACKET_QUERY || LDNS_QDCOUNT(header) != 1)
    return std::nullopt;
  const auto end = end_of_name(message, kDnsHeaderSize);
  if (!end || message.size() - *end < kQuestionRest) return std::nullopt;
  const auto* fixed = message.data() + *end;
  if (ldns_read_uint16(fixed) != static_cast<std::uint16_t>(type)) return std::nullopt;
  if (ldns_read_uint16(fixed + 2) != LDNS_RR_CLASS_IN) return std::nullopt;
  if (canonical_name_at(message, kDnsHeaderSize) != name) return std::nullopt;
  return *end + kQuestionRest;
}

// With whatever stands behind the header, such as an OPT record, but no question and no answer.
bool is_bare_formerr(WireMessage message, std::uint16_t id) {
  if (message.size() < kDnsHeaderSize) return false;
  const auto* header = message.data();
  return LDNS_ID_WIRE(header) == id && LDNS_QR_WIRE(header) && !LDNS_TC_WIRE(header) &&
         LDNS_OPCODE_WIRE(header) == LDNS_PACKET_QUERY &&
         LDNS_RCODE_WIRE(header) == LDNS_RCODE_FORMERR && LDNS_QDCOUNT(header) == 0 &&
         LDNS_ANCOUNT(header) == 0 && LDNS_NSCOUNT(header) == 0;
}

struct Chain {
  std::string end;  // canonical wire form
  unsigned cnames = 0;
  seconds ttl = seconds::max();
};

std::variant<Chain, Malformed, BadChain> follow_cnames(const DnsRecords& records, std::string start,
                                                       unsigned limit) {
  Chain chain{.end = std::move(start)};
  while (const auto cname = records.cname_of(chain.end)) {
    if (cname->target.empty()) return Malformed{"malformed CNAME record"};
    if (chain.cnames == limit)
      return BadChain{fmt::format("CNAME loop, or more than {} CNAMEs", kMaxCnames)};
    ++chain.cnames;
    chain.ttl = std::min(chain.ttl, cname->ttl);
    chain.end = cname->target;
  }
  return chain;
}

/// What the header says beside its counts.
struct Flags {
  bool name_exists = true;
  bool ad = false;
  bool recursive = true;
};

DnsReply negative_answer(const DnsRecords& records, const Chain& chain, const Flags& flags) {
  const auto ttl = records.negative_ttl(chain.end);
  if (!ttl && chain.cnames > 0) {
    auto target = base::DomainName::parse(text_of_name(chain.end));
    if (!target) return BadChain{"CNAME to what is no domain name"};
    return Follow{std::move(*target), chain.cnames, chain.ttl, flags.ad};
  }
  if (!ttl && !flags.recursive) return NotRecursive{records.extended_errors()};
  DnsAnswer answer;
  answer.kind = flags.name_exists ? DnsAnswer::Kind::no_data : DnsAnswer::Kind::no_such_name;
  answer.ttl = std::min(chain.ttl, ttl.value_or(seconds(0)));
  answer.authenticated = flags.ad;
  answer.canonical_name = text_of_name(chain.end);
  return answer;
}

DnsReply judge(const DnsRecords& records, RecordType type, const Chain& chain, const Flags& flags) {
  if (!flags.name_exists) return negative_answer(records, chain, flags);
  auto collected = records.collect(type, chain.end);
  if (!collected) return Malformed{collected.error().text};
  if (collected->kind != DnsAnswer::Kind::records) return negative_answer(records, chain, flags);
  DnsAnswer answer = std::move(*collected);
  answer.ttl = std::min(chain.ttl, answer.ttl);
  answer.authenticated = flags.ad;
  answer.canonical_name = text_of_name(chain.end);
  return answer;
}

// A question for the alias itself does not go through it.
DnsReply judge_alias(const DnsRecords& records, const Chain& chain, const Flags& flags) {
  const auto alias = records.cname_of(chain.end);
  if (!alias) return negative_answer(records, chain, flags);
  if (alias->target.empty()) return Malformed{"malformed CNAME record"};
  DnsAnswer answer;
  answer.kind = DnsAnswer::Kind::records;
  answer.authenticated = flags.ad;
  answer.ttl = alias->ttl;
  answer.canonical_name = text_of_name(alias->target);
  return answer;
}

}  // namespace

// Written here and not by ldns, which takes more than ten times as long.
std::vector<std::uint8_t> build_query(const DnsQuestion& question, std::uint16_t id, Edns edns) {
  const auto name = wire_of(question.name);
  std::vector<std::uint8_t> query;
  query.reserve(kDnsHeaderSize + name.size() + kQuestionRest + kOptSize);
  const auto append = [&query](unsigned number) {
    query.push_back(static_cast<std::uint8_t>(number >> 8U));
    query.push_back(static_cast<std::uint8_t>(number & 0xffU));
  };
  append(id);
  append(kRecursionDesired | kAuthenticData);
  for (unsigned count : {1U, 0U, 0U, edns == Edns::with ? 1U : 0U}) append(count);
  query.insert(query.end(), name.begin(), name.end());
  append(static_cast<unsigned>(question.type));
  append(LDNS_RR_CLASS_IN);
  if (edns == Edns::without) return query;
  query.push_back(0);  // the root
  append(LDNS_RR_TYPE_OPT);
  append(kUdpPayload);
  append(0);  // extended RCODE and version
  append(kDnssecOk);
  append(0);  // no options
  return query;
}

DnsReply parse_reply(WireMessage message, const DnsQuestion& question, std::uint16_t id,
                     unsigned cnames_left) {
  if (is_bare_formerr(message, id)) return BareFormErr{};
  auto name = wire_of(question.name);
  const auto first = match_question(message, name, question.type, id);
  if (!first) return NotOurs{};
  if (LDNS_TC_WIRE(message.data())) return Truncated{};
  if (!has_plausible_counts(message, *first)) return NotOurs{};
  const unsigned rcode = LDNS_RCODE_WIRE(message.data());
  const bool failing = rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN;

  auto frames = split_records(message, *first);
  if (!frames && failing) return FailingRcode{rcode, {}};
  if (!frames) return Malformed{"record beyond the end of the message"};
  const DnsRecords records(message, std::move(*frames));
  const auto whole_rcode = records.extended_rcode() << 4U | rcode;
  if (failing || whole_rcode != rcode) return FailingRcode{whole_rcode, records.extended_errors()};

  const Flags flags{.name_exists = rcode == LDNS_RCODE_NOERROR,
                    .ad = LDNS_AD_WIRE(message.data()) != 0,
                    .recursive = LDNS_RA_WIRE(message.data()) != 0};
  if (question.type == RecordType::cname)
    return judge_alias(records, Chain{.end = std::move(name)}, flags);
  auto followed = follow_cnames(records, std::move(name), cnames_left);
  if (auto* malformed = std::get_if<Malformed>(&followed)) return std::move(*malformed);
  if (auto* bad = std::get_if<BadChain>(&followed)) return std::move(*bad);
  return judge(records, question.type, std::get<Chain>(followed), flags);
}

std::string name_of_rcode(unsigned rcode) {
  const auto* known = ldns_lookup_by_id(ldns_rcodes, static_cast<int>(rcode));
  return known ? known->name : "RCODE " + std::to_string(rcode);
}

}  // namespace tlspolicyd::net
