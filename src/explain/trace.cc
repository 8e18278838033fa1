#include "explain/trace.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tlspolicyd::explain {
namespace {

// Not the loop's clock: that one stands still within a turn.
using Watch = std::chrono::steady_clock;

template <class Step, class Outcome>
void note(Step& step, Watch::time_point began, const Outcome& outcome) {
  step.took = std::chrono::duration_cast<base::milliseconds>(Watch::now() - began);
  step.outcome = outcome;
}

}  // namespace

base::OperationPtr TracedResolver::resolve(const net::DnsQuestion& question, Done done) {
  auto& step = steps_.emplace_back(DnsStep{question, {}, {}});
  return behind_.resolve(question, [this, &step, began = Watch::now(),
                                    done = std::move(done)](base::Result<net::DnsAnswer> answer) {
    note(step, began, answer);
    noted_();
    done(std::move(answer));
  });
}

const DnsStep* TracedResolver::find(const base::DomainName& name, net::RecordType type) const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [&](const DnsStep& step) {
    return step.asked.name == name && step.asked.type == type;
  });
  return found == steps_.end() ? nullptr : &*found;
}

base::OperationPtr TracedHttps::get(const net::HttpsRequest& request, Done done) {
  auto& step = steps_.emplace_back(HttpsStep{request, {}, {}});
  return behind_->get(request, [&step, began = Watch::now(),
                                done = std::move(done)](base::Result<net::HttpsReply> reply) {
    note(step, began, reply);
    done(std::move(reply));
  });
}

}  // namespace tlspolicyd::explain
