#include "service/dane_hosts.h"

#include <algorithm>

#include "base/address.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::service {
namespace {

using sts::Timing;

}  // namespace

class DaneHosts::Waiter final : public base::Operation {
 public:
  Waiter(std::shared_ptr<Waiters> all, Done done) : all_(std::move(all)), done_(std::move(done)) {
    all_->push_back(this);
  }
  ~Waiter() override { all_->remove(this); }

  void tell(const Known& known) {
    const auto done = std::move(done_);
    done(known);  // may destroy this
  }

 private:
  std::shared_ptr<Waiters> all_;
  Done done_;
};

std::optional<DaneHosts::Known> DaneHosts::known(const base::DomainName& host, std::uint16_t port) {
  // Postfix connects to an address in the place of a host; DANE does not apply (RFC 7672 2.2).
  if (base::Address::parse(host.text()))
    return Known{{host.text(), dane::HostState::none, {}}, Timing::kTxtCeiling};
  const auto found = entries_.find({host.text(), port});
  if (found == entries_.end()) return std::nullopt;
  auto& entry = found->second;
  const auto left = std::chrono::floor<base::seconds>(entry.until - clock_.steady());
  if (left <= base::seconds{0}) return std::nullopt;
  turns_.splice(turns_.end(), turns_, entry.turn);
  return Known{entry.host, left};
}

base::OperationPtr DaneHosts::find(const base::DomainName& host, std::uint16_t port, Done done) {
  const Key key{host.text(), port};
  auto& look = under_way_[key];
  if (!look.work || look.outdated) {
    // Who waits for an outdated look is told by this one, too.
    if (!look.waiters) look.waiters = std::make_shared<Waiters>();
    look.outdated = false;
    // A family that was silent the last time is not waited for again.
    const auto before = entries_.find(key);
    const bool half_silent = before != entries_.end() && before->second.half_silent;
    look.work = std::make_unique<DaneHost>(
        resolver_, timers_, host, port, half_silent ? base::milliseconds{0} : DaneHost::kGrace,
        [this, key](const auto& finding) { on_found(key, finding); });
  }
  return std::make_unique<Waiter>(look.waiters, std::move(done));
}

void DaneHosts::forget() {
  entries_.clear();
  turns_.clear();
  for (auto& [key, look] : under_way_) look.outdated = true;
}

void DaneHosts::forget(std::string_view host) {
  const Key first{host, 0};
  for (auto at = entries_.lower_bound(first); at != entries_.end() && at->first.first == host;) {
    turns_.erase(at->second.turn);
    at = entries_.erase(at);
  }
  for (auto at = under_way_.lower_bound(first); at != under_way_.end() && at->first.first == host;
       ++at)
    at->second.outdated = true;
}

void DaneHosts::on_found(const Key& key, const DaneFinding& finding) {
  // Taken off the table first, and kept until the end: who is told may ask again, or leave.
  const auto look = under_way_.extract(key);
  const Known known{finding.host,
                    look.mapped().outdated ? base::seconds{0} : remember(key, finding)};
  auto& waiters = *look.mapped().waiters;
  while (!waiters.empty()) {
    auto* next = waiters.front();
    waiters.pop_front();
    next->tell(known);
  }
}

/// How long it holds.
base::seconds DaneHosts::remember(const Key& key, const DaneFinding& finding) {
  if (finding.own_trouble) return base::seconds{0};
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= kMost) {
      entries_.erase(turns_.front());
      turns_.pop_front();
    }
    found = entries_.try_emplace(key).first;
    found->second.turn = turns_.insert(turns_.end(), key);
  }
  auto& entry = found->second;
  turns_.splice(turns_.end(), turns_, entry.turn);
  const bool failed = finding.host.state == dane::HostState::error;
  entry.error_pause = failed ? Timing::after_dns_error(entry.error_pause) : base::seconds{0};
  const auto holds = failed ? entry.error_pause : Timing::believed(finding.ttl);
  entry.half_silent = finding.half_silent;
  entry.host = finding.host;
  entry.until = clock_.steady() + holds;
  return holds;
}

}  // namespace tlspolicyd::service
