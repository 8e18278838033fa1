#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tlspolicyd::dane {

/// What a DNS answer means where DNSSEC matters (RFC 7672 2.1.1).
enum class Outcome : std::uint8_t {
  secure,           ///< records, validated
  insecure,         ///< records, not validated
  denial_secure,    ///< proof that there are none
  denial_insecure,  ///< there are none, says somebody
  error             ///< bogus, SERVFAIL, no answer: nothing is known
};

/// What the answers for A and AAAA mean for the host (RFC 7672 2.2.2).
enum class AddressVerdict : std::uint8_t {
  secure,      ///< TLSA records may exist and count
  insecure,    ///< TLSA records must not be asked for, see alias_verdict
  no_address,  ///< the host cannot be used
  error        ///< neither is known
};

/// One secure family suffices; one insecure answer shows an unsigned zone, whatever became of the
/// other question.
AddressVerdict address_verdict(Outcome a, Outcome aaaa);

/// What is known of one MX host.
enum class HostState : std::uint8_t {
  usable,      ///< at least one usable TLSA record, secure: DANE binds
  none,        ///< DANE does not bind: no TLSA record, insecure, or none that is usable
  no_address,  ///< cannot be used at all
  error        ///< cannot be found out: must not be used (RFC 7672 2.1.2)
};

std::string_view name_of(HostState state);

struct HostFinding {
  std::string host;
  HostState state = HostState::none;
  std::string why;  ///< of `error`: the fault and the record, e.g. "SERVFAIL for TLSA _25._tcp..."
  bool operator==(const HostFinding&) const = default;
};

/// What is done where some hosts have usable TLSA records and others securely have none
/// (decisions.md 4).
enum class Mixed : std::uint8_t { dane_only, sts };

/// What governs mail to a domain whose MX hosts are known securely.
struct Verdict {
  enum class Kind : std::uint8_t {
    sts,       ///< the MTA-STS policy: DANE does not bind
    dane,      ///< DANE, at every host (Postfix's dane-only)
    temporary  ///< not known: defer
  };
  Kind kind = Kind::sts;
  std::string reason;  ///< of `temporary`: which host and record
  bool operator==(const Verdict&) const = default;
};

/// The gate's table (spec dane.md) for a secure MX RRset, of which `hosts` are what was found.
Verdict judge(std::span<const HostFinding> hosts, Mixed mixed);

/// For a domain that asked for nothing: true if DANE can be required of every host that can be
/// used, and there is one (decisions.md 5).
bool all_usable(std::span<const HostFinding> hosts);

}  // namespace tlspolicyd::dane
