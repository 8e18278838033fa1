#include "service/lookup.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::service {

Lookup::Lookup(const Outside& outside, Book& book, base::DomainName domain,
               std::optional<Discovery::Purpose> purpose, std::function<void()> ended)
    : outside_(outside), book_(book), domain_(std::move(domain)), ended_(std::move(ended)) {
  remember_policy();
  if (!purpose) return;
  discovery_ =
      std::make_unique<Discovery>(outside_, book_, domain_, *purpose, [this](auto own_trouble) {
        own_trouble_ = std::move(own_trouble);
        trail_ = discovery_->trail();
        remember_policy();
        discovery_.reset();
        tell_waiters();
      });
}

bool Lookup::may_change(bool txt_due) const {
  if (!discovery_) return false;
  if (discovery_->phase() == Discovery::Phase::asking_dns) return txt_due;
  return !discovery_->only_refreshes();
}

void Lookup::remember_policy() {
  if (const auto& stored = book_.open(domain_).entry.stored) remembered_ = stored;
}

std::shared_ptr<const sts::StoredPolicy> Lookup::policy(const sts::Entry& entry,
                                                        base::WallTime now) const {
  const auto& policy = entry.stored ? entry.stored : remembered_;
  return policy && now < policy->expires_at ? policy : nullptr;
}

std::optional<MxResult> Lookup::mx_hosts() {
  if (mx_ || mx_failure_) return mx_failure_;
  // Only the book knows whether they are outdated.
  if (const auto& known = book_.open(domain_).mx; known && outside_.clock.steady() < known->until)
    return known;
  mx_era_ = book_.era();
  mx_ = outside_.resolver.resolve({.name = domain_,
                                   .type = net::RecordType::mx,
                                   .validated = outside_.dane.guards(domain_.text())},
                                  [this](const auto& answer) { on_mx(answer); });
  return std::nullopt;
}

void Lookup::on_mx(const base::Result<net::DnsAnswer>& answer) {
  if (mx_era_ != book_.era()) {
    // Asked of another resolver, or by other rules: who waits asks anew.
    mx_.reset();
    tell_waiters();
    return;
  }
  if (answer) {
    auto hosts = mx_hosts_of(domain_, *answer, outside_.clock.steady());
    book_.open(domain_).mx = std::make_shared<const MxHosts>(std::move(hosts));
  } else {
    mx_failure_ = answer.error();
  }
  mx_.reset();
  const bool failed = mx_failure_.has_value();
  // A failure is for those who waited for it; who comes later asks anew.
  if (tell_waiters() && failed) mx_failure_.reset();
}

const GateFindings* Lookup::gate(const Terms& terms, const std::vector<std::string>& names) {
  const std::pair key{terms.port, names};
  auto& gate = gates_[key];
  if (gate.findings) return &*gate.findings;
  if (gate.look) return nullptr;
  gate.look = std::make_unique<DaneGate>(outside_.dane.hosts(), outside_.timers, names, terms.port,
                                         [this, key, &gate](GateFindings findings) {
                                           gate.findings = std::move(findings);
                                           gate.look.reset();
                                           if (tell_waiters()) gates_.erase(key);
                                         });
  return nullptr;
}

bool Lookup::looks_at_hosts() const {
  return std::any_of(gates_.begin(), gates_.end(),
                     [](const auto& gate) { return gate.second.look != nullptr; });
}

void Lookup::leave(Waiter& waiter) {
  waiters_.remove(&waiter);
  if (!telling_) end_if_over();
}

bool Lookup::tell_waiters() {
  telling_ = true;
  // Delivering may join and destroy waiters, so the walk begins anew after each.
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    auto* waiter = *at;
    if (auto decision = waiter->try_decide()) {
      waiters_.erase(at);
      waiter->deliver(std::move(*decision));
      at = waiters_.begin();
    } else {
      ++at;
    }
  }
  telling_ = false;
  return !end_if_over();
}

/// Ends, and is destroyed, if nothing is under way and nobody waits.
bool Lookup::end_if_over() {
  if (!waiters_.empty() || discovery_ || mx_ || looks_at_hosts()) return false;
  const auto ended = std::move(ended_);
  ended();  // destroys this
  return true;
}

}  // namespace tlspolicyd::service
