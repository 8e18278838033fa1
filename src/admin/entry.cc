#include "admin/entry.h"

#include <algorithm>

#include "admin/words.h"
#include "base/log.h"

namespace tlspolicyd::admin {
namespace {

using nlohmann::json;

/// What the TXT record last said where it named no policy to fetch, or why it could not be had.
json absence_json(const sts::Entry& entry) {
  if (entry.absence == sts::Absence::unknown) return nullptr;
  return name_of(entry.absence);
}

json failures_json(const sts::Entry& entry, base::WallTime now) {
  auto out = json::array();
  for (const auto& failure : entry.failed)
    out.push_back({{"id", failure.id},
                   {"fault", name_of(failure.why.fault)},
                   {"why", base::printable(failure.why.text)},
                   {"retry_in", until_json(failure.retry_at, now)}});
  return out;
}

json mx_json(const service::MxHosts& mx, const sts::StoredPolicy* stored, base::SteadyTime now) {
  auto hosts = json::array();
  for (const auto& name : mx.names) {
    json host{{"name", name}};
    if (stored) {
      const auto& patterns = stored->policy.mx;
      const auto match = std::find_if(patterns.begin(), patterns.end(),
                                      [&](const auto& pattern) { return pattern.matches(name); });
      host["pattern"] = match == patterns.end() ? json(nullptr) : json(match->text());
    }
    hosts.push_back(std::move(host));
  }
  return {{"hosts", std::move(hosts)},
          {"authenticated", mx.authenticated},
          {"fresh_for", std::chrono::duration_cast<base::seconds>(mx.until - now).count()}};
}

json replies_json(const service::Record& record, const base::Clock& clock) {
  auto out = json::array();
  for (const auto& kept : record.replies) {
    if (!kept.holds(clock.wall(), clock.steady())) continue;
    const bool tlsrpt = kept.terms.profile == service::Profile::tlsrpt;
    out.push_back({{"profile", tlsrpt ? "tlsrpt" : "compat"},
                   {"port", kept.terms.port},
                   {"bracketed", kept.terms.bracketed},
                   {"answer", name_of(kept.kind)},
                   {"for", until_json(kept.valid_until, clock.wall())}});
  }
  return out;
}

}  // namespace

json summary_json(const std::string& domain, const sts::Entry& entry, base::WallTime now,
                  const sts::RefreshRules& rules) {
  const auto& stored = *entry.stored;
  return {{"domain", domain},
          {"mode", name_of(stored.policy.mode)},
          {"id", stored.id},
          {"age", (now - stored.fetched_at).count()},
          {"left", (stored.expires_at - now).count()},
          {"refresh_in", until_json(sts::next_refresh(entry, now, rules), now)},
          {"failures", entry.upkeep.failures}};
}

json record_json(const std::string& domain, const service::Record& record, const base::Clock& clock,
                 const sts::RefreshRules& rules) {
  const auto now = clock.wall();
  const auto& entry = record.entry;
  const auto* stored = entry.stored.get();
  json out{{"domain", domain}};
  if (stored) {
    out = summary_json(domain, entry, now, rules);
    out.update({{"applied", entry.is_valid(now)},
                {"max_age", stored->policy.max_age.count()},
                {"fetched_at", time_json(stored->fetched_at)},
                {"expires_at", time_json(stored->expires_at)},
                {"policy", sts::policy_lines(stored->policy)},
                {"confirmed_at", time_json(entry.upkeep.confirmed_at)},
                {"tried_at", time_json(entry.upkeep.tried_at)}});
  }
  out.update({{"used_at", time_json(entry.upkeep.used_at)},
              {"txt",
               {{"absence", absence_json(entry)},
                {"denied_by_dnssec", entry.denied},
                {"check_in", until_json(entry.txt_due, now)}}},
              {"failed_fetches", failures_json(entry, now)},
              {"replies", replies_json(record, clock)}});
  if (record.mx) out["mx"] = mx_json(*record.mx, stored, clock.steady());
  return out;
}

}  // namespace tlspolicyd::admin
