#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "net/dns.h"
#include "net/dns_extended_error.h"
#include "net/dns_frame.h"

/// The DNS messages that this program sends and reads (RFC 1035, 6891), without any I/O. Whatever
/// the bytes of a reply are, reading them costs at most a few milliseconds and never fails loudly.
/// What an answer may hold is bounded by the size of its message, 64 KiB.
namespace tlspolicyd::net {

/// Longest chain of CNAMEs that is followed, over all messages of one look-up.
constexpr unsigned kMaxCnames = 16;
/// What is kept of the MX records of one answer: the preferred ones. Names of hosts are kept for
/// long and compared with each other, so that they have a bound of their own; no mail server tries
/// a tenth of them.
constexpr std::size_t kMaxMxRecords = 512;

/// Whether a query carries the OPT record (RFC 6891): payload size 1232 and the DO bit.
enum class Edns : bool { without, with };

/// A recursive query: RD, and AD to be told what was validated (RFC 6840 5.7).
std::vector<std::uint8_t> build_query(const DnsQuestion& question, std::uint16_t id, Edns edns);

/// Not a reply to our question (RFC 5452 9.1): whoever sent it, go on waiting for the true one.
struct NotOurs {};
/// TC: ask again over TCP.
struct Truncated {};
/// A FORMERR that is nothing but a header with our id: some servers answer so to a query with EDNS,
/// which RFC 6891 7 lets them not understand. It does not repeat the question.
struct BareFormErr {};
/// The server said that it failed (SERVFAIL, REFUSED, FORMERR, ...).
struct FailingRcode {
  unsigned rcode = 0;
  std::vector<ExtendedError> errors;
};
/// Neither records nor a denial, from a server that offers no recursion (RA is not set): an empty
/// reply or a referral. Another server must be asked: it is no NODATA, though it looks like one.
///
/// A SOA of a zone that encloses the name is a denial also without RA: such a server speaks of its
/// own zone (RFC 2308 section 2), e.g. the name server of an internal zone in resolv.conf. So are
/// records and CNAMEs.
struct NotRecursive {
  std::vector<ExtendedError> errors;
};
/// A reply to our question that cannot be read; another server may do better.
struct Malformed {
  std::string text;
};
/// A chain of CNAMEs that no server can mend: a loop, or longer than allowed.
struct BadChain {
  std::string text;
};
/// The reply ends in a CNAME whose target it says nothing about, neither by records nor by a SOA of
/// a zone that encloses it: ask for the target. Also with NXDOMAIN, which may speak of either name.
struct Follow {
  base::DomainName target;
  unsigned cnames = 0;         ///< how many led to it, at least one
  std::chrono::seconds ttl{};  ///< the least of theirs
  bool ad = false;             ///< the AD bit of this reply
};

/// What one message means. In a DnsAnswer `authenticated` is the AD bit as it came; whether the
/// server may be believed is for the caller to say.
using DnsReply = std::variant<NotOurs, Truncated, BareFormErr, FailingRcode, NotRecursive,
                              Malformed, BadChain, Follow, DnsAnswer>;

/// Reads a reply to `question` with `id`. Only records reached from the question through CNAMEs
/// count, in whatever order they stand, over at most `cnames_left` CNAMEs.
///
/// In the answer: an MX exchange, and the canonical name, that is not a name of base::DomainName's
/// form is empty; a question for CNAME itself has the target as `canonical_name`. A negative answer
/// takes its TTL from a SOA of a zone that encloses the canonical name only (RFC 2308 section 5).
DnsReply parse_reply(WireMessage message, const DnsQuestion& question, std::uint16_t id,
                     unsigned cnames_left = kMaxCnames);

/// "SERVFAIL", or "RCODE 23" for one without a name.
std::string name_of_rcode(unsigned rcode);

}  // namespace tlspolicyd::net
