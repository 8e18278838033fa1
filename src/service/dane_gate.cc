#include "service/dane_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tlspolicyd::service {

DaneGate::DaneGate(DaneHosts& hosts, base::Timers& timers, const std::vector<std::string>& names,
                   std::uint16_t port, Done done)
    : hosts_(hosts), port_(port), done_(std::move(done)) {
  findings_.valid_for = base::seconds::max();
  for (const auto& name : names) {
    if (names_.size() == kMostHosts) break;
    auto host = base::DomainName::parse(name);
    if (!host) continue;
    findings_.hosts.push_back(
        {name, dane::HostState::error,
         fmt::format("its DNS did not answer within {} s", kPatience.count())});
    names_.push_back(std::move(*host));
  }
  looks_.resize(names_.size());
  look_at_next();
  const bool all_known = next_ == names_.size() && under_way_ == 0;
  timer_ = timers.after(all_known ? base::milliseconds{0} : kPatience, [this] { finish(); });
}

void DaneGate::look_at_next() {
  while (next_ < names_.size() && under_way_ < kAtOnce) {
    const auto at = next_++;
    if (const auto known = hosts_.known(names_[at], port_)) {
      note(at, *known);
      continue;
    }
    ++under_way_;
    looks_[at] = hosts_.find(names_[at], port_,
                             [this, at](const DaneHosts::Known& known) { on_host(at, known); });
  }
}

void DaneGate::on_host(std::size_t at, const DaneHosts::Known& known) {
  note(at, known);
  --under_way_;
  looks_[at].reset();
  look_at_next();
  if (next_ == names_.size() && under_way_ == 0) finish();
}

void DaneGate::note(std::size_t at, const DaneHosts::Known& known) {
  findings_.hosts[at] = known.host;
  findings_.valid_for = std::min(findings_.valid_for, known.valid_for);
}

void DaneGate::finish() {
  if (next_ < names_.size() || under_way_ > 0) findings_.valid_for = base::seconds{0};
  timer_.reset();
  const auto done = std::move(done_);
  done(std::move(findings_));  // destroys this
}

}  // namespace tlspolicyd::service
