#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/histogram.h"
#include "net/dns.h"

namespace tlspolicyd::net {

/// What became of a question to the DNS, for counting.
enum class DnsOutcome : std::uint8_t {
  answer,       ///< records
  denial,       ///< NODATA or NXDOMAIN
  failed,       ///< SERVFAIL, REFUSED or another failing RCODE
  timeout,      ///< the domain's name servers are silent
  unreachable,  ///< our own resolver is dead
  malformed,    ///< no answer that can be read
  overloaded,   ///< no place for it in our own line
  other
};
inline constexpr std::size_t kDnsOutcomes = 8;

/// "answer", "denial", ... as metrics write it.
std::string_view name_of(DnsOutcome outcome);

/// Counts questions to the DNS by type and outcome, and how long they took.
struct DnsTally {
  /// Types that are counted by themselves; all others are one.
  static constexpr std::array kTypes{RecordType::txt, RecordType::mx, RecordType::a,
                                     RecordType::aaaa, RecordType::tlsa};
  using ByOutcome = std::array<std::uint64_t, kDnsOutcomes>;

  std::array<ByOutcome, kTypes.size() + 1> ended{};  ///< by kTypes; the last ones are the others
  std::size_t in_flight = 0;
  base::Histogram seconds{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
  /// The last question showed that our own resolver is dead.
  bool dead = false;

  void count(RecordType type, const base::Result<DnsAnswer>& result);
};

/// Decorates a resolver: counts what it is asked. A question that is given up is not counted.
class CountedResolver final : public Resolver {
 public:
  /// All that is given must outlive it, and it its questions.
  CountedResolver(Resolver& resolver, const base::Clock& clock)
      : resolver_(resolver), clock_(clock) {}

  base::OperationPtr resolve(const DnsQuestion& question, Done done) override;

  const DnsTally& tally() const { return tally_; }

 private:
  class Question;

  Resolver& resolver_;
  const base::Clock& clock_;
  DnsTally tally_;
};

}  // namespace tlspolicyd::net
