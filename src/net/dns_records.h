#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/dns.h"
#include "net/dns_extended_error.h"
#include "net/dns_frame.h"

namespace tlspolicyd::net {

/// The records of one message, decoded when they are asked for: what nobody asks for (signatures,
/// records of other owners) costs nothing. Names are in canonical wire form (canonical_name_at).
/// `message` must outlive it.
class DnsRecords {
 public:
  struct Alias {
    std::string target;  ///< empty if it cannot be read
    std::chrono::seconds ttl{};
  };

  DnsRecords(WireMessage message, std::vector<RecordFrame> frames);
  DnsRecords(const DnsRecords&) = delete;
  DnsRecords& operator=(const DnsRecords&) = delete;

  /// The CNAME of `owner` in the answer section; the first, should there be several.
  std::optional<Alias> cname_of(const std::string& owner) const;

  /// The records of `type` and `owner` in the answer section; Kind::no_data if there is none.
  /// Fills `kind`, `ttl` (the least of them all) and the vector of the type: with all of them, but
  /// of MX records only the kMaxMxRecords preferred ones. Error: Fault::invalid if one of them is
  /// malformed.
  base::Result<DnsAnswer> collect(RecordType type, const std::string& owner) const;

  /// How long the absence of `name` may be believed: min(SOA's TTL, MINIMUM) of the SOA record in
  /// the authority section whose zone encloses `name` (RFC 2308 section 5). Nothing without one.
  std::optional<std::chrono::seconds> negative_ttl(const std::string& name) const;

  /// The upper eight bits of the RCODE from the OPT record (RFC 6891 6.1.3); zero without one.
  unsigned extended_rcode() const;

  /// The Extended DNS Errors in the OPT record (RFC 8914).
  std::vector<ExtendedError> extended_errors() const;

 private:
  const RecordFrame* opt() const;
  std::vector<const RecordFrame*> records_of(RecordType type, const std::string& owner) const;
  struct OwnedAlias {
    std::string owner;
    const RecordFrame* frame;
  };

  WireMessage message_;
  std::vector<RecordFrame> frames_;
  std::vector<OwnedAlias> aliases_;
};

/// A name in canonical wire form as base::DomainName writes it; empty if it is none (RFC 7505's
/// root, or octets that no host name has).
std::string text_of_name(const std::string& wire);

}  // namespace tlspolicyd::net
