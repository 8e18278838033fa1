#include "net/host_lookup.h"

#include <fmt/format.h>

#include <utility>

namespace tlspolicyd::net {
namespace {

using base::Address;
using base::Error;
using base::Fault;

Error refusal_of(const Address& address) {
  const auto embedded = base::embedded_v4(address);
  return {
      Fault::address_refused,
      fmt::format("address {}{} is special-purpose, and https.allow_addresses does not list it; "
                  "to allow it, set https: {{allow_addresses: [\"{}/{}\"]}}",
                  address.text(), embedded ? " (NAT64 of " + embedded->text() + ")" : "",
                  address.text(), address.bytes().size() * 8)};
}

}  // namespace

HostLookup::HostLookup(Resolver& resolver, base::Timers& timers, const base::DomainName& host,
                       const std::vector<base::Prefix>& allowed, Done done, Done late)
    : timers_(timers), allowed_(allowed), done_(std::move(done)), late_(std::move(late)) {
  const auto into = [this](Slot& slot) {
    return [this, &slot](base::Result<DnsAnswer> answer) { answered(slot, std::move(answer)); };
  };
  questions_ = {resolver.resolve({host, RecordType::aaaa}, into(v6_)),
                resolver.resolve({host, RecordType::a}, into(v4_))};
}

void HostLookup::answered(Slot& slot, base::Result<DnsAnswer> answer) {
  slot = std::move(answer);
  if (!done_) return finish(late_, verdict({&slot}, allowed_));
  auto found = verdict({&v6_, &v4_}, allowed_);
  if (!is_waiting()) {
    grace_.reset();
    finish(done_, std::move(found));
  } else if (found) {
    grace_ = timers_.after(kGrace, [this] { finish(done_, verdict({&v6_, &v4_}, allowed_)); });
  }
}

void HostLookup::finish(Done& who, Found found) {
  if (const auto call = std::exchange(who, nullptr)) call(std::move(found));
}

HostLookup::Found HostLookup::verdict(std::initializer_list<const Slot*> slots,
                                      const std::vector<base::Prefix>& allowed) {
  std::vector<Address> usable;
  std::optional<Address> refused;
  std::optional<Error> local, failed;
  for (const auto* slot : slots) {
    if (!*slot) continue;
    const auto& answer = **slot;
    if (!answer) {
      (base::is_own_trouble(answer.error().fault) ? local : failed) = answer.error();
      continue;
    }
    for (const auto& address : answer->addresses) {
      if (base::may_connect(address, allowed)) {
        usable.push_back(address);
      } else {
        refused = address;
      }
    }
  }
  if (!usable.empty()) return usable;
  if (local) return *local;
  if (refused) return refusal_of(*refused);
  if (failed) return *failed;
  return Error{Fault::no_address, "no A and no AAAA record"};
}

}  // namespace tlspolicyd::net
