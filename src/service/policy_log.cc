#include "service/policy_log.h"

#include "service/policy_fetch.h"

namespace tlspolicyd::service {
namespace {

// A policy that lives shorter than this does not outlast a day of trouble (RFC 8461 3.2).
constexpr base::seconds kShortLife{86400};

std::string_view last_failure(const sts::Entry& entry) {
  return entry.failed.empty() ? std::string_view("unknown")
                              : std::string_view(entry.failed.front().why.text);
}

}  // namespace

void log_fetched(const base::Log& log, const base::DomainName& domain,
                 const sts::StoredPolicy* before, const sts::StoredPolicy& policy, bool recovered) {
  const bool news = !before || before->id != policy.id;
  const bool brief = policy.policy.mode != sts::Mode::none && policy.policy.max_age < kShortLife;
  log.info(recovered                         ? "policy fetched: protected again after its expiry"
           : !before                         ? "policy fetched"
           : news                            ? "policy replaced"
           : before->policy != policy.policy ? "policy replaced under the same id"
                                             : "policy refreshed",
           {{"domain", domain.text()},
            {"id", policy.id},
            {"mode", name_of(policy.policy.mode)},
            {"max_age", policy.policy.max_age.count()},
            {"mx", policy.policy.mx.size()}});
  if (news && brief)
    log.warning("max_age is below a day: no longer trouble is outlasted",
                {{"domain", domain.text()}, {"max_age", policy.policy.max_age.count()}});
}

void log_adopted(const base::Log& log, const base::DomainName& domain,
                 const sts::StoredPolicy* before, const sts::StoredPolicy& policy) {
  const bool replaces = before && (before->id != policy.id || before->policy != policy.policy);
  log.write(replaces ? base::Severity::info : base::Severity::debug,
            replaces ? "policy replaced by another node's" : "policy of another node taken up",
            {{"domain", domain.text()},
             {"id", policy.id},
             {"mode", name_of(policy.policy.mode)},
             {"max_age", policy.policy.max_age.count()},
             {"mx", policy.policy.mx.size()}});
}

void log_not_fetched(const base::Log& log, const base::DomainName& domain, const std::string& id,
                     const base::Error& why, const sts::Entry& entry, base::WallTime now) {
  if (!entry.is_valid(now)) {
    log.warning("policy not fetched", {{"domain", domain.text()},
                                       {"id", id},
                                       {"result", tlsrpt_result_type(why.fault)},
                                       {"fault", name_of(why.fault)},
                                       {"why", why.text}});
    return;
  }
  const bool asks_for_something = entry.stored->policy.mode != sts::Mode::none;
  log.write(asks_for_something ? base::Severity::warning : base::Severity::debug,
            "policy not refreshed, the one known is applied",
            {{"domain", domain.text()},
             {"id", id},
             {"mode", name_of(entry.stored->policy.mode)},
             {"result", tlsrpt_result_type(why.fault)},
             {"fault", name_of(why.fault)},
             {"why", why.text},
             {"failures", entry.upkeep.failures},
             {"expires_in", (entry.stored->expires_at - now).count()}});
}

void log_expiring(const base::Log& log, const std::string& domain, const sts::Entry& entry,
                  base::WallTime now) {
  log.warning("policy nears its end and cannot be refreshed",
              {{"domain", domain},
               {"id", entry.stored->id},
               {"mode", name_of(entry.stored->policy.mode)},
               {"failures", entry.upkeep.failures},
               {"why", last_failure(entry)},
               {"expires_in", (entry.stored->expires_at - now).count()}});
}

void log_expired(const base::Log& log, const std::string& domain, const sts::Entry& entry) {
  log.error("enforce policy has expired and cannot be renewed: possible downgrade",
            {{"domain", domain},
             {"id", entry.stored->id},
             {"failures", entry.upkeep.failures},
             {"why", last_failure(entry)}});
}

}  // namespace tlspolicyd::service
