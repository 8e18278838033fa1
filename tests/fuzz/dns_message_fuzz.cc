// Invariants of parse_reply() over any bytes: what it returns is within its bounds, and what it
// takes for records ldns, reading the same message, finds as well.
#include "net/dns_message.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>

#include "base/ascii.h"
#include "base/deleter.h"

namespace {

using namespace tlspolicyd;
using namespace tlspolicyd::net;

using PacketPtr = std::unique_ptr<ldns_pkt, base::Deleter<ldns_pkt_free>>;

// The first octet chooses the type asked for; id and question are made to match.
constexpr RecordType kTypes[] = {RecordType::txt,  RecordType::mx,   RecordType::a,
                                 RecordType::aaaa, RecordType::tlsa, RecordType::cname};

constexpr std::size_t kLeastRecord = 11;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_name_or_empty(const std::string& text) {
  if (text.empty()) return true;
  const auto name = base::DomainName::parse(text);
  return name.ok() && name->text() == text;
}

std::size_t count_of(const DnsAnswer& answer) {
  return answer.txt.size() + answer.mx.size() + answer.addresses.size() + answer.tlsa.size();
}

// TXT with thousands of strings is what ldns takes seconds for.
bool is_cheap_for_ldns(WireMessage message) { return message.size() < 4096; }

// ldns takes octets behind a record's last field for the next record; then the two may differ.
bool has_exact_records(WireMessage message, std::size_t first) {
  const auto frames = split_records(message, first);
  require(frames.has_value());
  for (const auto& frame : *frames) {
    ldns_rr* record = nullptr;
    auto at = frame.owner;
    if (ldns_wire2rr(&record, message.data(), message.size(), &at, LDNS_SECTION_ANSWER) !=
        LDNS_STATUS_OK)
      return false;
    ldns_rr_free(record);
    if (at != frame.rdata + frame.rdlength) return false;
  }
  return true;
}

void compare_with_ldns(WireMessage message, RecordType type, const DnsAnswer& answer) {
  ldns_pkt* parsed = nullptr;
  if (ldns_wire2pkt(&parsed, message.data(), message.size()) != LDNS_STATUS_OK) return;
  const PacketPtr packet(parsed);
  std::size_t known = 0;
  std::multiset<std::string> strings;
  const auto* records = ldns_pkt_answer(parsed);
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const auto* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) != static_cast<ldns_rr_type>(type)) continue;
    ++known;
    if (type != RecordType::txt) continue;
    std::string joined;
    for (std::size_t field = 0; field < ldns_rr_rd_count(record); ++field) {
      const auto* rdf = ldns_rr_rdf(record, field);
      joined.append(reinterpret_cast<const char*>(ldns_rdf_data(rdf)) + 1, ldns_rdf_size(rdf) - 1);
    }
    strings.insert(joined);
  }
  require(count_of(answer) <= known);
  for (const auto& text : answer.txt) {
    const auto same = strings.find(text);
    require(same != strings.end());
    strings.erase(same);
  }
}

bool recurses(WireMessage message) { return (message[3] & 0x80U) != 0; }

// Without RA only a SOA makes a denial of an empty reply (F18).
bool has_soa(WireMessage message, std::size_t first) {
  const auto frames = split_records(message, first);
  return frames && std::any_of(frames->begin(), frames->end(), [](const auto& frame) {
           return frame.section == RecordFrame::Section::authority &&
                  frame.type == LDNS_RR_TYPE_SOA;
         });
}

void check(const std::vector<ExtendedError>& errors) {
  require(errors.size() <= kMaxExtendedErrors);
  for (const auto& error : errors) require(error.text.size() <= 4 * kMaxExtraText + 3);
  const auto text = describe(errors);
  require(text.empty() == errors.empty() && text.size() <= 2200 && base::is_printable(text));
}

void check(const DnsAnswer& answer, WireMessage message, std::size_t first_record,
           RecordType type) {
  require(is_name_or_empty(answer.canonical_name));
  require(answer.ttl.count() >= 0 && answer.ttl.count() <= 0x7fffffff);
  require(answer.mx.size() <= kMaxMxRecords && count_of(answer) <= message.size() / kLeastRecord);
  for (std::size_t i = 0; i < answer.mx.size(); ++i) {
    require(is_name_or_empty(answer.mx[i].exchange));
    require(i == 0 || answer.mx[i - 1].preference <= answer.mx[i].preference);
  }
  if (answer.kind == DnsAnswer::Kind::records)
    require(type == RecordType::cname || count_of(answer) > 0);
  else
    require(count_of(answer) == 0 && (recurses(message) || has_soa(message, first_record)));
  if (is_cheap_for_ldns(message) && has_exact_records(message, first_record))
    compare_with_ldns(message, type, answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto name = *base::DomainName::parse("_mta-sts.example.org");
  if (size == 0) return 0;
  const auto type = kTypes[data[0] % std::size(kTypes)];
  const DnsQuestion question{name, type};
  constexpr std::uint16_t kId = 0x1234;

  // As it came: almost always not ours.
  const WireMessage raw(data + 1, size - 1);
  (void)parse_reply(raw, question, kId);

  // With a question that matches: flags, counts and records are the fuzzer's.
  auto message = build_query(question, kId, Edns::without);
  const auto first_record = message.size();
  const std::size_t header = std::min<std::size_t>(raw.size(), 8);
  if (header > 0) message[2] = static_cast<std::uint8_t>(0x80U | (raw[0] & 0x03U));
  if (header > 1) message[3] = raw[1];
  for (std::size_t i = 2; i < header; ++i) message[4 + i] = raw[i];
  message.insert(message.end(), raw.begin() + static_cast<std::ptrdiff_t>(header), raw.end());
  if (message.size() > 65535) message.resize(65535);
  const unsigned budget = size % (kMaxCnames + 1);
  const auto reply = parse_reply(message, question, kId, budget);
  if (const auto* answer = std::get_if<DnsAnswer>(&reply))
    check(*answer, message, first_record, type);
  if (const auto* follow = std::get_if<Follow>(&reply)) {
    require(follow->cnames >= 1 && follow->cnames <= budget);
    require(follow->ttl.count() >= 0);
  }
  if (const auto* failing = std::get_if<FailingRcode>(&reply)) {
    require(failing->rcode != 0 && failing->rcode != 3);
    check(failing->errors);
  }
  if (const auto* refusal = std::get_if<NotRecursive>(&reply)) {
    require(!recurses(message));
    check(refusal->errors);
  }
  // The message has a question.
  require(!std::holds_alternative<BareFormErr>(reply));
  return 0;
}
