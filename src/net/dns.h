#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/domain_name.h"
#include "base/operation.h"
#include "base/result.h"

namespace tlspolicyd::net {

/// The record types this program asks for (IANA DNS parameters).
enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52
};

/// "A", "MX", ... as people write it.
std::string_view name_of(RecordType type);

struct DnsQuestion {
  base::DomainName name;
  RecordType type = RecordType::a;
  /// Asks only servers that are trusted to validate, where there are any: that another one, asked
  /// in their place, says nothing of security does not mean that there is none (RFC 4035 4.9.3).
  bool validated = false;
  bool operator==(const DnsQuestion&) const = default;
};

/// An MX record. `exchange` is empty for the null MX "." (RFC 7505) and for a target that is not a
/// host name; else lower case without final dot.
struct MxRecord {
  std::uint16_t preference = 0;
  std::string exchange;
  bool operator==(const MxRecord&) const = default;
};

/// A TLSA record as it came (RFC 6698 2.1); whether it is usable is for dane/ to say.
struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching_type = 0;
  std::vector<std::uint8_t> data;
  bool operator==(const TlsaRecord&) const = default;
};

/// What the DNS says to a question: records, or an authoritative "there is none". A failure to find
/// out is not an answer but an Error (dns_failed, dns_timeout, dns_unreachable, invalid).
struct DnsAnswer {
  enum class Kind {
    records,      ///< at least one record of the type asked for
    no_data,      ///< the name exists, the type does not (NODATA)
    no_such_name  ///< NXDOMAIN, of the name asked for or of the end of its CNAME chain
  };

  Kind kind = Kind::no_data;
  /// The AD bit, from a resolver that is trusted to have validated (RFC 4035 4.9.3). Covers the
  /// whole answer, CNAMEs included.
  bool authenticated = false;
  /// For records: the least TTL of the records used and of the CNAMEs that led to them. Otherwise
  /// the negative TTL of RFC 2308 section 5, zero if the answer had no SOA.
  std::chrono::seconds ttl{0};
  /// The end of the CNAME chain; the name asked for if there is none.
  std::string canonical_name;

  // Only the one that was asked for is filled; in the order of the answer.
  std::vector<std::string> txt;          ///< character-strings of each record joined (RFC 7208 3.3)
  std::vector<MxRecord> mx;              ///< sorted by preference, else in the order of the answer
  std::vector<base::Address> addresses;  ///< A or AAAA
  std::vector<TlsaRecord> tlsa;
};

/// Port: asks the DNS.
class Resolver {
 public:
  using Done = std::function<void(base::Result<DnsAnswer>)>;
  virtual ~Resolver() = default;

  /// Starts one question; `done` gets its answer within the resolver's own deadline (10 s by
  /// default). Errors: dns_failed, dns_timeout, dns_unreachable, invalid (malformed answers, a loop
  /// or more than 16 CNAMEs), overloaded.
  virtual base::OperationPtr resolve(const DnsQuestion& question, Done done) = 0;
};

}  // namespace tlspolicyd::net
