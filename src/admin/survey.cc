#include "admin/survey.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::admin {

Survey::Survey(service::Book& book, const base::Clock& clock, base::Timers& timers, Done done)
    : book_(book), clock_(clock), timers_(timers), done_(std::move(done)) {
  soon();
}

void Survey::soon() {
  next_ = timers_.after(base::milliseconds{0}, [this] { count_some(); });
}

void Survey::count_some() {
  const auto all = std::max<std::size_t>(book_.policies(), kSlice);
  const auto share = static_cast<double>(kSlice) / static_cast<double>(all);
  from_ =
      book_.walk(from_, share, [this](const std::string& domain, const service::Record& record) {
        if (record.entry.stored) count(domain, record.entry);
      });
  if (from_ != 0) return soon();
  const auto done = std::move(done_);
  const auto census = std::move(census_);
  done(census);  // may destroy this
}

void Survey::count(const std::string& domain, const sts::Entry& entry) {
  const auto& policy = *entry.stored;
  if (!entry.is_valid(clock_.wall())) {
    ++census_.expired;
    count_lapsed(entry);
    return;
  }
  switch (policy.policy.mode) {
    case sts::Mode::enforce: ++census_.enforce; break;
    case sts::Mode::testing: ++census_.testing; break;
    case sts::Mode::none: ++census_.none; break;
  }
  if (entry.upkeep.failures == 0) return;
  ++census_.failing;
  switch (policy.policy.mode) {
    case sts::Mode::enforce: count_failing_enforce(policy); break;
    case sts::Mode::testing: ++census_.failing_testing; break;
    case sts::Mode::none: ++census_.failing_none; break;
  }
  auto& oldest = census_.oldest_failing;
  if (!oldest || policy.fetched_at < oldest->fetched_at)
    oldest = {domain, policy.fetched_at, policy.expires_at, entry.upkeep.failures};
}

void Survey::count_failing_enforce(const sts::StoredPolicy& policy) {
  ++census_.failing_enforce;
  auto& oldest = census_.oldest_enforce;
  if (!oldest || policy.fetched_at < *oldest) oldest = policy.fetched_at;
  const auto left = policy.expires_at - clock_.wall();
  if (left * 4 < policy.expires_at - policy.fetched_at) ++census_.last_quarter;
  if (left <= Census::kSoon) ++census_.expiring_soon;
}

void Survey::count_lapsed(const sts::Entry& entry) {
  const auto& policy = *entry.stored;
  if (policy.policy.mode != sts::Mode::enforce || entry.upkeep.failures == 0) return;
  ++census_.lapsed;
  const auto used = entry.upkeep.used_at;
  if (used >= policy.expires_at && clock_.wall() - used <= Census::kSoon) ++census_.lapsed_in_use;
}

}  // namespace tlspolicyd::admin
