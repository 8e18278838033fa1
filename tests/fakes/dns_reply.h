#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tlspolicyd::fakes {

using Bytes = std::vector<std::uint8_t>;

/// A reply to a query, composed with ldns from records in zone-file form
/// ("example.org. 300 IN TXT \"a\" \"b\"").
class DnsReplyBuilder {
 public:
  /// Takes id and question from the query. REQUIRES: a query that ldns can read.
  explicit DnsReplyBuilder(std::span<const std::uint8_t> query);

  DnsReplyBuilder& answer(std::string record);
  DnsReplyBuilder& authority(std::string record);
  DnsReplyBuilder& additional(std::string record);
  DnsReplyBuilder& rcode(unsigned value);
  DnsReplyBuilder& ad();
  DnsReplyBuilder& truncated();
  /// Without RA: from a server that offers no recursion.
  DnsReplyBuilder& no_recursion();
  /// An Extended DNS Error (RFC 8914) in the OPT record, behind those that are there.
  DnsReplyBuilder& extended_error(unsigned code, std::string_view text = {});
  DnsReplyBuilder& id(std::uint16_t value);
  /// A question other than the query's.
  DnsReplyBuilder& question(std::string name, unsigned type);

  Bytes bytes() const;

 private:
  std::uint16_t id_;
  std::uint16_t flags_;
  std::string name_;
  unsigned type_;
  std::vector<std::string> sections_[3];
  Bytes options_;  ///< of the OPT record, which is there if there are any
};

/// An option of an OPT record that holds an Extended DNS Error.
Bytes extended_error_option(unsigned code, std::string_view text);

/// What a query asks, e.g. "TXT _mta-sts.example.org".
std::string question_of(std::span<const std::uint8_t> query);

std::uint16_t id_of(std::span<const std::uint8_t> message);

/// For messages that no library would compose: numbers in network order.
void append_u16(Bytes& to, unsigned value);
void append_u32(Bytes& to, std::uint32_t value);
/// "example.org" as labels.
void append_name(Bytes& to, std::string_view name);

}  // namespace tlspolicyd::fakes
