#include "net/dns_records.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <memory>

#include "base/ascii.h"
#include "base/deleter.h"
#include "net/dns_message.h"

namespace tlspolicyd::net {
namespace {

using RecordPtr = std::unique_ptr<ldns_rr, base::Deleter<ldns_rr_free>>;
using Section = RecordFrame::Section;
using std::chrono::seconds;

constexpr std::uint32_t kSignBit = 0x80000000;

// RFC 2181 section 8: a TTL with the most significant bit set counts as zero.
seconds ttl_of(std::uint32_t field) { return seconds((field & kSignBit) != 0 ? 0 : field); }

// Names inside the data are compressed as well, so that they need the same check as the owner's.
bool has_sound_names(WireMessage message, const RecordFrame& frame) {
  switch (frame.type) {
    case LDNS_RR_TYPE_CNAME: return end_of_name(message, frame.rdata).has_value();
    case LDNS_RR_TYPE_MX: return end_of_name(message, frame.rdata + 2).has_value();
    case LDNS_RR_TYPE_SOA: {
      const auto second = end_of_name(message, frame.rdata);
      return second && end_of_name(message, *second);
    }
    default: return true;
  }
}

RecordPtr decode(WireMessage message, const RecordFrame& frame) {
  if (!has_sound_names(message, frame)) return nullptr;
  ldns_rr* record = nullptr;
  auto at = frame.owner;
  const auto status =
      ldns_wire2rr(&record, message.data(), message.size(), &at, LDNS_SECTION_ANSWER);
  RecordPtr owned(status == LDNS_STATUS_OK ? record : nullptr);
  // ldns does not mind octets behind the last field.
  return at == frame.rdata + frame.rdlength ? std::move(owned) : nullptr;
}

std::span<const std::uint8_t> data_of(const RecordPtr& record, std::size_t field) {
  const auto* rdf = record ? ldns_rr_rdf(record.get(), field) : nullptr;
  if (!rdf) return {};
  return {ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
}

// The octets live in the record.
std::span<const std::uint8_t> data_of(RecordPtr&&, std::size_t) = delete;

std::string name_of_field(const RecordPtr& record, std::size_t field) {
  auto* rdf = record ? ldns_rr_rdf(record.get(), field) : nullptr;
  if (!rdf || ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME) return {};
  ldns_dname2canonical(rdf);
  return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

// Read here and not by ldns, which takes seconds for a TXT of 65,000 empty strings.
bool add_txt(WireMessage message, const RecordFrame& frame, DnsAnswer& answer) {
  auto rest = message.subspan(frame.rdata, frame.rdlength);
  if (rest.empty()) return false;
  std::string joined;
  joined.reserve(rest.size());
  while (!rest.empty()) {
    const std::size_t length = rest[0];
    if (rest.size() - 1 < length) return false;
    joined.append(reinterpret_cast<const char*>(rest.data()) + 1, length);
    rest = rest.subspan(1 + length);
  }
  answer.txt.push_back(std::move(joined));
  return true;
}

bool add_mx(const RecordPtr& record, DnsAnswer& answer) {
  const auto preference = data_of(record, 0);
  const auto exchange = name_of_field(record, 1);
  if (preference.size() != 2 || exchange.empty()) return false;
  answer.mx.push_back({ldns_read_uint16(preference.data()), text_of_name(exchange)});
  return true;
}

bool add_address(const RecordPtr& record, DnsAnswer& answer) {
  const auto bytes = data_of(record, 0);
  if (bytes.size() == 4)
    answer.addresses.push_back(base::Address::v4(bytes.first<4>()));
  else if (bytes.size() == 16)
    answer.addresses.push_back(base::Address::v6(bytes.first<16>()));
  else
    return false;
  return true;
}

bool add_tlsa(WireMessage message, const RecordFrame& frame, DnsAnswer& answer) {
  if (frame.rdlength < 3) return false;
  const auto bytes = message.subspan(frame.rdata, frame.rdlength);
  const auto data = bytes.subspan(3);
  answer.tlsa.push_back({bytes[0], bytes[1], bytes[2], {data.begin(), data.end()}});
  return true;
}

bool add(WireMessage message, const RecordFrame& frame, DnsAnswer& answer) {
  switch (static_cast<RecordType>(frame.type)) {
    case RecordType::txt: return add_txt(message, frame, answer);
    case RecordType::tlsa: return add_tlsa(message, frame, answer);
    case RecordType::mx: return add_mx(decode(message, frame), answer);
    case RecordType::a:
    case RecordType::aaaa: return add_address(decode(message, frame), answer);
    case RecordType::ns:
    case RecordType::cname: return true;
  }
  return false;
}

// Whether the zone `outer` holds `name`: a suffix that begins at a label.
bool encloses(const std::string& outer, const std::string& name) {
  for (std::size_t at = 0; at < name.size(); at += 1U + static_cast<unsigned char>(name[at]))
    if (name.compare(at, std::string::npos, outer) == 0) return true;
  return false;
}

}  // namespace

DnsRecords::DnsRecords(WireMessage message, std::vector<RecordFrame> frames)
    : message_(message), frames_(std::move(frames)) {
  for (const auto& frame : frames_) {
    if (frame.section != Section::answer || frame.record_class != LDNS_RR_CLASS_IN) continue;
    if (frame.type != LDNS_RR_TYPE_CNAME) continue;
    if (auto owner = canonical_name_at(message_, frame.owner))
      aliases_.push_back({std::move(*owner), &frame});
  }
}

std::optional<DnsRecords::Alias> DnsRecords::cname_of(const std::string& owner) const {
  const auto alias = std::find_if(aliases_.begin(), aliases_.end(),
                                  [&](const auto& a) { return a.owner == owner; });
  if (alias == aliases_.end()) return std::nullopt;
  return Alias{name_of_field(decode(message_, *alias->frame), 0), ttl_of(alias->frame->ttl)};
}

base::Result<DnsAnswer> DnsRecords::collect(RecordType type, const std::string& owner) const {
  const std::size_t limit = type == RecordType::txt ? kMaxTxtRecords : kMaxRecords;
  DnsAnswer answer;
  std::size_t found = 0;
  auto least = seconds::max();
  for (const auto& frame : frames_) {
    if (found == limit) break;
    if (frame.section != Section::answer || frame.record_class != LDNS_RR_CLASS_IN) continue;
    if (frame.type != static_cast<std::uint16_t>(type)) continue;
    if (canonical_name_at(message_, frame.owner) != owner) continue;
    if (!add(message_, frame, answer))
      return base::Error{base::Fault::invalid, fmt::format("malformed {} record", name_of(type))};
    least = std::min(least, ttl_of(frame.ttl));
    ++found;
  }
  if (found == 0) return answer;
  answer.kind = DnsAnswer::Kind::records;
  answer.ttl = least;
  std::stable_sort(answer.mx.begin(), answer.mx.end(),
                   [](const auto& a, const auto& b) { return a.preference < b.preference; });
  return answer;
}

std::optional<seconds> DnsRecords::negative_ttl(const std::string& name) const {
  for (const auto& frame : frames_) {
    if (frame.section != Section::authority || frame.type != LDNS_RR_TYPE_SOA) continue;
    const auto zone = canonical_name_at(message_, frame.owner);
    if (!zone || !encloses(*zone, name)) continue;
    const auto soa = decode(message_, frame);
    const auto minimum = data_of(soa, 6);
    if (minimum.size() != 4) continue;
    return std::min(ttl_of(frame.ttl), ttl_of(ldns_read_uint32(minimum.data())));
  }
  return std::nullopt;
}

unsigned DnsRecords::extended_rcode() const {
  for (const auto& frame : frames_)
    if (frame.section == Section::additional && frame.type == LDNS_RR_TYPE_OPT)
      return frame.ttl >> 24U;
  return 0;
}

std::string text_of_name(const std::string& wire) {
  std::string text;
  for (std::size_t at = 0; at < wire.size() && wire[at] != 0;) {
    const std::size_t length = static_cast<unsigned char>(wire[at]);
    const auto label = std::string_view(wire).substr(at + 1, length);
    // A dot inside a label would look like two labels.
    if (label.find('.') != std::string_view::npos) return {};
    if (!text.empty()) text.push_back('.');
    text += label;
    at += 1 + length;
  }
  const bool ascii = std::all_of(text.begin(), text.end(), base::is_ascii);
  const auto name = ascii ? base::DomainName::parse(text) : base::Error{base::Fault::invalid, {}};
  return name.ok() ? name->text() : std::string();
}

}  // namespace tlspolicyd::net
