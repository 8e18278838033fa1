#include "service/lookup.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tlspolicyd::service {

Lookup::Lookup(const Outside& outside, Book& book, base::DomainName domain,
               std::optional<Discovery::Purpose> purpose, std::function<void()> ended)
    : outside_(outside), book_(book), domain_(std::move(domain)), ended_(std::move(ended)) {
  remember_policy();
  if (purpose) discover(*purpose);
}

void Lookup::discover(Discovery::Purpose purpose) {
  discovery_ =
      std::make_unique<Discovery>(outside_, book_, domain_, purpose, [this](auto own_trouble) {
        own_trouble_ = std::move(own_trouble);
        trail_ = discovery_->trail();
        remember_policy();
        discovery_.reset();
        tell_waiters();
      });
}

void Lookup::refetch() {
  if (!discovery_) discover(Discovery::Purpose::refresh);
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

std::optional<MxResult> Lookup::mx_hosts(base::SteadyTime since) {
  // A failure is one for everybody who waits: another look would only fail later.
  if (told_mx_ && (!told_mx_->ok() || told_mx_->value()->asked >= since)) return told_mx_;
  // Only the book knows whether they are outdated.
  if (const auto& known = book_.open(domain_).mx;
      known && known->asked >= since && known->is_fresh(outside_.clock))
    return known;
  if (!mx_) ask_for_mx();
  return std::nullopt;
}

void Lookup::ask_for_mx() {
  mx_era_ = book_.era();
  mx_asked_ = outside_.clock.steady();
  mx_ = outside_.resolver.resolve({.name = domain_,
                                   .type = net::RecordType::mx,
                                   .validated = outside_.dane.guards(domain_.text())},
                                  [this](const auto& answer) { on_mx(answer); });
}

void Lookup::on_mx(const base::Result<net::DnsAnswer>& answer) {
  if (mx_era_ != book_.era()) {
    // Asked of another resolver, or by other rules: who waits asks anew.
    mx_.reset();
    tell_waiters();
    return;
  }
  told_mx_ = answer ? MxResult(keep_mx(*answer)) : MxResult(answer.error());
  mx_.reset();
  // A later question uses what the book may hold, and asks again if that is nothing.
  if (tell_waiters()) told_mx_.reset();
}

std::shared_ptr<const MxHosts> Lookup::keep_mx(const net::DnsAnswer& answer) {
  auto& record = book_.open(domain_);
  auto hosts = mx_hosts_of(domain_, answer, outside_.clock.steady());
  hosts.asked = mx_asked_;
  hosts.until_wall =
      outside_.clock.wall() + std::chrono::ceil<base::seconds>(hosts.until - hosts.seen);
  const auto& policy = record.entry.stored ? record.entry.stored : remembered_;
  if (record.mx && policy) note_earlier(hosts, *record.mx, policy->policy);
  const auto told = std::make_shared<const MxHosts>(std::move(hosts));
  if (told->names.size() <= MxHosts::kMaxKeptNames) {
    record.mx = told;
  } else {
    auto kept = *told;
    kept.names.resize(MxHosts::kMaxKeptNames);
    record.mx = std::make_shared<const MxHosts>(std::move(kept));
  }
  book_.account(record);
  return told;
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

void Lookup::join(Waiter& waiter) {
  waiter.place_ = waiters_.insert(waiters_.end(), &waiter);
  if (telling_ && next_ == waiters_.end()) next_ = waiter.place_;
}

void Lookup::leave(Waiter& waiter) {
  remove(waiter);
  if (!telling_) end_if_over();
}

void Lookup::remove(Waiter& waiter) {
  if (next_ == waiter.place_) ++next_;
  waiters_.erase(waiter.place_);
}

bool Lookup::tell_waiters() {
  telling_ = true;
  // Delivering may join waiters, at the end, and destroy others: both keep next_ right.
  next_ = waiters_.begin();
  while (next_ != waiters_.end()) {
    auto* waiter = *next_;
    if (auto decision = waiter->try_decide()) {
      remove(*waiter);
      waiter->deliver(std::move(*decision));
    } else {
      ++next_;
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
