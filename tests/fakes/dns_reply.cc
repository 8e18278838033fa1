#include "fakes/dns_reply.h"

#include <ldns/ldns.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "base/deleter.h"

namespace tlspolicyd::fakes {
namespace {

using RecordPtr = std::unique_ptr<ldns_rr, base::Deleter<ldns_rr_free>>;
constexpr std::size_t kHeader = 12;

std::string name_at(std::span<const std::uint8_t> message, std::size_t& at) {
  std::string name;
  while (message[at] != 0) {
    if (!name.empty()) name += '.';
    for (std::size_t i = 1; i <= message[at]; ++i) name += static_cast<char>(message[at + i]);
    at += 1U + message[at];
  }
  ++at;
  return name;
}

void append_record(Bytes& to, const std::string& text) {
  ldns_rr* parsed = nullptr;
  if (ldns_rr_new_frm_str(&parsed, text.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK)
    throw std::invalid_argument("not a record: " + text);
  const RecordPtr owner(parsed);
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (ldns_rr2wire(&bytes, parsed, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK)
    throw std::invalid_argument("no wire form: " + text);
  to.insert(to.end(), bytes, bytes + size);
  std::free(bytes);
}

}  // namespace

DnsReplyBuilder::DnsReplyBuilder(std::span<const std::uint8_t> query)
    : id_(id_of(query)), flags_(0x8180) {
  auto at = kHeader;
  name_ = name_at(query, at);
  type_ = unsigned{query[at]} << 8U | query[at + 1];
}

DnsReplyBuilder& DnsReplyBuilder::answer(std::string record) {
  sections_[0].push_back(std::move(record));
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::authority(std::string record) {
  sections_[1].push_back(std::move(record));
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::additional(std::string record) {
  sections_[2].push_back(std::move(record));
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::rcode(unsigned value) {
  flags_ = static_cast<std::uint16_t>((flags_ & 0xfff0U) | value);
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::ad() {
  flags_ |= 0x20U;
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::truncated() {
  flags_ |= 0x200U;
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::no_recursion() {
  flags_ &= 0xff7fU;
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::extended_error(unsigned code, std::string_view text) {
  const auto option = extended_error_option(code, text);
  options_.insert(options_.end(), option.begin(), option.end());
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::id(std::uint16_t value) {
  id_ = value;
  return *this;
}
DnsReplyBuilder& DnsReplyBuilder::question(std::string name, unsigned type) {
  name_ = std::move(name);
  type_ = type;
  return *this;
}

Bytes DnsReplyBuilder::bytes() const {
  Bytes reply;
  append_u16(reply, id_);
  append_u16(reply, flags_);
  append_u16(reply, 1);
  const std::size_t opt_records = options_.empty() ? 0 : 1;
  for (const auto& section : sections_) {
    const bool is_last = &section == &sections_[2];
    append_u16(reply, static_cast<unsigned>(section.size() + (is_last ? opt_records : 0)));
  }
  append_name(reply, name_);
  append_u16(reply, type_);
  append_u16(reply, LDNS_RR_CLASS_IN);
  for (const auto& section : sections_)
    for (const auto& record : section) append_record(reply, record);
  if (options_.empty()) return reply;
  reply.push_back(0);  // the root
  append_u16(reply, LDNS_RR_TYPE_OPT);
  append_u16(reply, 1232);
  append_u32(reply, 0);
  append_u16(reply, static_cast<unsigned>(options_.size()));
  reply.insert(reply.end(), options_.begin(), options_.end());
  return reply;
}

Bytes extended_error_option(unsigned code, std::string_view text) {
  Bytes option;
  append_u16(option, 15);
  append_u16(option, static_cast<unsigned>(2 + text.size()));
  append_u16(option, code);
  option.insert(option.end(), text.begin(), text.end());
  return option;
}

std::string question_of(std::span<const std::uint8_t> query) {
  auto at = kHeader;
  const auto name = name_at(query, at);
  const unsigned type = unsigned{query[at]} << 8U | query[at + 1];
  const auto* known = ldns_rr_descript(static_cast<std::uint16_t>(type));
  return std::string(known->_name) + " " + name;
}

std::uint16_t id_of(std::span<const std::uint8_t> message) {
  return static_cast<std::uint16_t>(message[0] << 8U | message[1]);
}

void append_u16(Bytes& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

void append_u32(Bytes& to, std::uint32_t value) {
  append_u16(to, value >> 16U);
  append_u16(to, value & 0xffffU);
}

void append_name(Bytes& to, std::string_view name) {
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    to.push_back(static_cast<std::uint8_t>(label.size()));
    to.insert(to.end(), label.begin(), label.end());
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  to.push_back(0);
}

}  // namespace tlspolicyd::fakes
