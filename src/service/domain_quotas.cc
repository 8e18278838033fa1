#include "service/domain_quotas.h"

#include "base/registered_domain.h"

namespace tlspolicyd::service {

DomainQuota& DomainQuotas::add_record(const base::DomainName& domain) {
  const auto key = hash_(base::registered_domain(domain));
  auto& quota = quotas_[key];
  quota.key = key;
  ++quota.records;
  return quota;
}

void DomainQuotas::release_record(DomainQuota& quota) {
  if (--quota.records == 0) quotas_.erase(quota.key);
}

void DomainQuotas::change_policy_weight(DomainQuota& quota, std::size_t from, std::size_t to) {
  const auto before = quota.policy_weight;
  quota.policy_weight = before - from + to;
  by_policies_.move(quota, before, quota.policy_weight);
}

void DomainQuotas::change_negative_weight(DomainQuota& quota, std::size_t from, std::size_t to) {
  const auto before = quota.negative_weight;
  quota.negative_weight = before - from + to;
  by_negatives_.move(quota, before, quota.negative_weight);
}

void DomainQuotas::Ranking::move(DomainQuota& quota, std::size_t from, std::size_t to) {
  if (from == to) return;
  if (from > 1) order_.erase({from, &quota});
  if (to > 1) order_.insert({to, &quota});
}

}  // namespace tlspolicyd::service
