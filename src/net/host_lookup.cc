#include "net/host_lookup.h"

namespace tlspolicyd::net {

using base::Fault;

HostLookup::HostLookup(Resolver& resolver, base::Timers& timers, const base::DomainName& host,
                       const std::vector<base::Prefix>& allowed, Done done)
    : timers_(timers), allowed_(allowed), done_(std::move(done)) {
  const auto into = [this](std::optional<base::Result<DnsAnswer>>& slot) {
    return [this, &slot](base::Result<DnsAnswer> answer) { answered(slot, std::move(answer)); };
  };
  questions_ = {resolver.resolve({host, RecordType::aaaa}, into(v6_)),
                resolver.resolve({host, RecordType::a}, into(v4_))};
}

void HostLookup::answered(std::optional<base::Result<DnsAnswer>>& slot,
                          base::Result<DnsAnswer> answer) {
  slot = std::move(answer);
  auto result = verdict();
  if (v6_ && v4_) {
    finish(std::move(result));
  } else if (result) {
    grace_ = timers_.after(kGrace, [this] { finish(verdict()); });
  }
}

void HostLookup::finish(base::Result<std::vector<base::Address>> result) {
  const auto done = std::move(done_);
  done(std::move(result));
}

base::Result<std::vector<base::Address>> HostLookup::verdict() const {
  std::vector<base::Address> usable;
  std::optional<base::Address> refused;
  for (const auto* answer : {&v6_, &v4_}) {
    if (!*answer || !(*answer)->ok()) continue;
    for (const auto& address : (**answer)->addresses) {
      if (base::may_connect(address, allowed_)) {
        usable.push_back(address);
      } else {
        refused = address;
      }
    }
  }
  if (!usable.empty()) return usable;
  for (const auto* answer : {&v4_, &v6_})
    if (*answer && !(*answer)->ok() && base::is_own_trouble((*answer)->error().fault))
      return (*answer)->error();
  if (refused)
    return base::Error{Fault::address_refused,
                       "no address outside special-purpose blocks, e.g. " + refused->text()};
  if (v4_ && !v4_->ok()) return v4_->error();
  if (v6_ && !v6_->ok()) return v6_->error();
  return base::Error{Fault::no_address, "no A and no AAAA record"};
}

}  // namespace tlspolicyd::net
