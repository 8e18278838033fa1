#include "admin/refresh.h"

#include <fmt/format.h>

#include <utility>

#include "admin/entry.h"
#include "base/log.h"

namespace tlspolicyd::admin {
namespace {

using nlohmann::json;

/// What a refresh may change.
struct State {
  std::shared_ptr<const sts::StoredPolicy> stored;
  std::uint32_t failures = 0;
  base::WallTime retry_at{};  ///< of the latest failure

  static State of(const sts::Entry& entry) {
    return {entry.stored, entry.upkeep.failures,
            entry.failed.empty() ? base::WallTime{} : entry.failed.front().retry_at};
  }
};

/// The failure for which the host is left alone now, if it is.
const sts::FailedFetch* binding_failure(const sts::Entry& entry, base::WallTime now) {
  if (entry.failed.empty() || now >= entry.failed.front().retry_at) return nullptr;
  const auto* latest = &entry.failed.front();
  const bool binds = entry.absence == sts::Absence::fetch_failed ||
                     (entry.stored && latest->id == entry.stored->id);
  return binds ? latest : nullptr;
}

std::pair<std::string_view, std::string> outcome(const State& before, const sts::Entry& entry,
                                                 base::WallTime now) {
  const auto after = State::of(entry);
  if (after.stored && after.stored != before.stored) {
    if (!before.stored) return {"fetched", "a policy that was not known"};
    return {"fetched", before.stored->policy == after.stored->policy ? "the policy is the same"
                                                                     : "the policy has changed"};
  }
  if (after.retry_at > before.retry_at) return {"failed", entry.failed.front().why.text};
  if (after.failures > before.failures) return {"failed", "by our own trouble: see the log"};
  if (entry.absence == sts::Absence::dns_error)
    return {"failed", "the TXT record could not be looked up" +
                          (entry.dns_error ? ": " + *entry.dns_error : std::string())};
  if (const auto* failure = binding_failure(entry, now))
    return {"held-back", fmt::format("the last fetch failed: {}; not again for {} s",
                                     failure->why.text, (failure->retry_at - now).count())};
  if (now < entry.fetch_floor)
    return {"held-back", fmt::format("fetched a moment ago: not again for {} s",
                                     (entry.fetch_floor - now).count())};
  return {"no-policy", std::string(name_of(entry.absence))};
}

json report(const Sources& sources, const std::string& domain, const State& before) {
  const auto now = sources.clock.wall();
  const auto* record = sources.book.find(domain);
  const auto& entry = record ? record->entry : sts::Entry{};
  const auto [word, why] = outcome(before, entry, now);
  json out{{"domain", domain}, {"outcome", word}, {"why", base::printable(why)}};
  if (entry.stored) out["policy"] = summary_json(domain, entry, now, sources.refresher.rules());
  return out;
}

}  // namespace

std::unique_ptr<Refresh> Refresh::begin(const Sources& sources, service::PolicyService& service,
                                        const base::DomainName& domain, Done done) {
  const auto* record = sources.book.find(domain.text());
  const auto before = record ? State::of(record->entry) : State{};
  service.drop_findings(domain.text());
  auto waiting = std::make_shared<Done>(std::move(done));
  const bool begun = service.refresh(domain, [&sources, name = domain.text(), before, waiting] {
    if (const auto told = std::exchange(*waiting, nullptr)) told(report(sources, name, before));
  });
  if (!begun) return nullptr;
  return std::unique_ptr<Refresh>(new Refresh(std::move(waiting)));
}

}  // namespace tlspolicyd::admin
