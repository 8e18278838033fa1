#include "net/counted_resolver.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::net {
namespace {

DnsOutcome outcome_of(const base::Result<DnsAnswer>& result) {
  if (result)
    return result->kind == DnsAnswer::Kind::records ? DnsOutcome::answer : DnsOutcome::denial;
  switch (result.error().fault) {
    case base::Fault::dns_failed: return DnsOutcome::failed;
    case base::Fault::dns_timeout: return DnsOutcome::timeout;
    case base::Fault::dns_unreachable: return DnsOutcome::unreachable;
    case base::Fault::invalid: return DnsOutcome::malformed;
    case base::Fault::overloaded: return DnsOutcome::overloaded;
    default: return DnsOutcome::other;
  }
}

}  // namespace

std::string_view name_of(DnsOutcome outcome) {
  switch (outcome) {
    case DnsOutcome::answer: return "answer";
    case DnsOutcome::denial: return "denial";
    case DnsOutcome::failed: return "failed";
    case DnsOutcome::timeout: return "timeout";
    case DnsOutcome::unreachable: return "unreachable";
    case DnsOutcome::malformed: return "malformed";
    case DnsOutcome::overloaded: return "overloaded";
    case DnsOutcome::other: break;
  }
  return "other";
}

void DnsTally::count(RecordType type, const base::Result<DnsAnswer>& result) {
  const auto at = std::find(kTypes.begin(), kTypes.end(), type) - kTypes.begin();
  const auto outcome = outcome_of(result);
  ++ended[static_cast<std::size_t>(at)][static_cast<std::size_t>(outcome)];
  // What found no place in line was not asked.
  if (outcome != DnsOutcome::overloaded) dead = outcome == DnsOutcome::unreachable;
}

class CountedResolver::Question final : public base::Operation {
 public:
  Question(CountedResolver& counted, const DnsQuestion& question, Done done)
      : tally_(counted.tally_),
        clock_(counted.clock_),
        type_(question.type),
        began_(clock_.steady()),
        done_(std::move(done)) {
    ++tally_.in_flight;
    asked_ = counted.resolver_.resolve(
        question, [this](base::Result<DnsAnswer> result) { end(std::move(result)); });
  }
  ~Question() override {
    if (done_) --tally_.in_flight;
  }

 private:
  void end(base::Result<DnsAnswer> result) {
    tally_.count(type_, result);
    tally_.seconds.add(std::chrono::duration<double>(clock_.steady() - began_).count());
    --tally_.in_flight;
    const auto done = std::exchange(done_, nullptr);
    done(std::move(result));  // may destroy this
  }

  DnsTally& tally_;
  const base::Clock& clock_;
  RecordType type_;
  base::SteadyTime began_;
  Done done_;
  base::OperationPtr asked_;
};

base::OperationPtr CountedResolver::resolve(const DnsQuestion& question, Done done) {
  return std::make_unique<Question>(*this, question, std::move(done));
}

}  // namespace tlspolicyd::net
