#include "net/dns_records.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>

#include "base/ascii.h"
#include "net/dns_message.h"

namespace tlspolicyd::net {
namespace {

using Section = RecordFrame::Section;
using std::chrono::seconds;

constexpr std::uint32_t kSignBit = 0x80000000;

// RFC 2181 section 8: a TTL with the most significant bit set counts as zero.
seconds ttl_of(std::uint32_t field) { return seconds((field & kSignBit) != 0 ? 0 : field); }

constexpr std::size_t kPreference = 2;   // of an MX record, in front of its exchange
constexpr std::size_t kSoaNumbers = 20;  // behind the two names of a SOA record
constexpr std::size_t kMinimum = 16;     // of those numbers the last

std::size_t end_of(const RecordFrame& frame) { return frame.rdata + frame.rdlength; }

WireMessage data_of(WireMessage message, const RecordFrame& frame) {
  return message.subspan(frame.rdata, frame.rdlength);
}

// The name at `at`, which must be all that is left of the record's data.
std::optional<std::string> last_name(WireMessage message, const RecordFrame& frame,
                                     std::size_t at) {
  if (end_of_name(message, at) != end_of(frame)) return std::nullopt;
  return canonical_name_at(message, at);
}

// Read here and not by ldns, which takes seconds for a TXT of 65,000 empty strings.
bool add_txt(WireMessage rest, DnsAnswer& answer) {
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

bool add_mx(WireMessage message, const RecordFrame& frame, DnsAnswer& answer) {
  if (frame.rdlength < kPreference) return false;
  const auto exchange = last_name(message, frame, frame.rdata + kPreference);
  if (!exchange) return false;
  answer.mx.push_back({ldns_read_uint16(message.data() + frame.rdata), text_of_name(*exchange)});
  return true;
}

bool add_address(RecordType type, WireMessage data, DnsAnswer& answer) {
  if (type == RecordType::a && data.size() == 4)
    answer.addresses.push_back(base::Address::v4(data.first<4>()));
  else if (type == RecordType::aaaa && data.size() == 16)
    answer.addresses.push_back(base::Address::v6(data.first<16>()));
  else
    return false;
  return true;
}

bool add_tlsa(WireMessage data, DnsAnswer& answer) {
  if (data.size() < 3) return false;
  const auto rest = data.subspan(3);
  answer.tlsa.push_back({data[0], data[1], data[2], {rest.begin(), rest.end()}});
  return true;
}

bool add(WireMessage message, const RecordFrame& frame, DnsAnswer& answer) {
  const auto type = static_cast<RecordType>(frame.type);
  const auto data = data_of(message, frame);
  switch (type) {
    case RecordType::txt: return add_txt(data, answer);
    case RecordType::tlsa: return add_tlsa(data, answer);
    case RecordType::mx: return add_mx(message, frame, answer);
    case RecordType::a:
    case RecordType::aaaa: return add_address(type, data, answer);
    case RecordType::ns:
    case RecordType::cname: return true;
  }
  return false;
}

// Sorted before they are read, so that the preferred ones stay wherever they stand in the message.
bool keep_preferred(WireMessage message, std::vector<const RecordFrame*>& frames) {
  const auto is_sound = [&](const RecordFrame* frame) {
    return frame->rdlength > kPreference &&
           end_of_name(message, frame->rdata + kPreference) == end_of(*frame);
  };
  if (!std::all_of(frames.begin(), frames.end(), is_sound)) return false;
  const auto preference = [&](const RecordFrame* frame) {
    return ldns_read_uint16(message.data() + frame->rdata);
  };
  std::stable_sort(frames.begin(), frames.end(),
                   [&](const auto* a, const auto* b) { return preference(a) < preference(b); });
  if (frames.size() > kMaxMxRecords) frames.resize(kMaxMxRecords);
  return true;
}

// Whether the zone `outer` holds `name`: a suffix that begins at a label.
bool encloses(const std::string& outer, const std::string& name) {
  if (!name.ends_with(outer)) return false;
  const auto start = name.size() - outer.size();
  std::size_t at = 0;
  while (at < start) at += 1U + static_cast<unsigned char>(name[at]);
  return at == start;
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
  return Alias{last_name(message_, *alias->frame, alias->frame->rdata).value_or(std::string()),
               ttl_of(alias->frame->ttl)};
}

std::vector<const RecordFrame*> DnsRecords::records_of(RecordType type,
                                                       const std::string& owner) const {
  std::vector<const RecordFrame*> found;
  for (const auto& frame : frames_) {
    if (frame.section != Section::answer || frame.record_class != LDNS_RR_CLASS_IN) continue;
    if (frame.type != static_cast<std::uint16_t>(type)) continue;
    if (canonical_name_at(message_, frame.owner) == owner) found.push_back(&frame);
  }
  return found;
}

base::Result<DnsAnswer> DnsRecords::collect(RecordType type, const std::string& owner) const {
  DnsAnswer answer;
  auto frames = records_of(type, owner);
  if (frames.empty()) return answer;
  answer.kind = DnsAnswer::Kind::records;
  answer.ttl = seconds::max();
  for (const auto* frame : frames) answer.ttl = std::min(answer.ttl, ttl_of(frame->ttl));
  const bool sound = (type != RecordType::mx || keep_preferred(message_, frames)) &&
                     std::all_of(frames.begin(), frames.end(),
                                 [&](const auto* frame) { return add(message_, *frame, answer); });
  if (!sound)
    return base::Error{base::Fault::invalid, fmt::format("malformed {} record", name_of(type))};
  return answer;
}

std::optional<seconds> DnsRecords::negative_ttl(const std::string& name) const {
  for (const auto& frame : frames_) {
    if (frame.section != Section::authority || frame.type != LDNS_RR_TYPE_SOA) continue;
    const auto zone = canonical_name_at(message_, frame.owner);
    if (!zone || !encloses(*zone, name)) continue;
    const auto second = end_of_name(message_, frame.rdata);
    const auto numbers = second ? end_of_name(message_, *second) : std::nullopt;
    if (!numbers || *numbers + kSoaNumbers != end_of(frame)) continue;
    const auto minimum = ldns_read_uint32(message_.data() + *numbers + kMinimum);
    return std::min(ttl_of(frame.ttl), ttl_of(minimum));
  }
  return std::nullopt;
}

const RecordFrame* DnsRecords::opt() const {
  const auto found = std::find_if(frames_.begin(), frames_.end(), [](const auto& frame) {
    return frame.section == Section::additional && frame.type == LDNS_RR_TYPE_OPT;
  });
  return found == frames_.end() ? nullptr : &*found;
}

unsigned DnsRecords::extended_rcode() const { return opt() ? opt()->ttl >> 24U : 0; }

std::vector<ExtendedError> DnsRecords::extended_errors() const {
  return opt() ? read_extended_errors(data_of(message_, *opt())) : std::vector<ExtendedError>();
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
