#include "service/dane_host.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dane/tlsa.h"

namespace tlspolicyd::service {
namespace {

using dane::AddressVerdict;
using dane::HostState;
using dane::Outcome;
using Kind = net::DnsAnswer::Kind;

Outcome outcome_of(const base::Result<net::DnsAnswer>& answer) {
  if (!answer) return Outcome::error;
  if (answer->kind == Kind::records)
    return answer->authenticated ? Outcome::secure : Outcome::insecure;
  return answer->authenticated ? Outcome::denial_secure : Outcome::denial_insecure;
}

bool has_usable(const std::vector<net::TlsaRecord>& records) {
  return std::any_of(records.begin(), records.end(), [](const net::TlsaRecord& record) {
    return dane::is_usable({record.usage, record.selector, record.matching_type, record.data});
  });
}

}  // namespace

DaneHost::DaneHost(net::Resolver& resolver, base::DomainName host, std::uint16_t port, Done done)
    : resolver_(resolver), host_(std::move(host)), port_(port), done_(std::move(done)) {
  finding_.host.host = host_.text();
  finding_.ttl = base::seconds::max();
  first_ = ask(host_, net::RecordType::a, [this](const Answer& answer) {
    a_ = answer;
    if (aaaa_) on_addresses();
  });
  second_ = ask(host_, net::RecordType::aaaa, [this](const Answer& answer) {
    aaaa_ = answer;
    if (a_) on_addresses();
  });
}

base::OperationPtr DaneHost::ask(const base::DomainName& name, net::RecordType type,
                                 net::Resolver::Done done) {
  return resolver_.resolve({.name = name, .type = type, .validated = true}, std::move(done));
}

void DaneHost::on_addresses() {
  const auto a = outcome_of(*a_);
  const auto aaaa = outcome_of(*aaaa_);
  for (const auto* answer : {&*a_, &*aaaa_})
    if (*answer) count_ttl(**answer);
  const auto verdict = dane::address_verdict(a, aaaa);
  if (verdict == AddressVerdict::no_address) return finish(HostState::no_address);
  if (verdict == AddressVerdict::error) return fail(*a_ ? aaaa_->error() : a_->error());
  const bool secure = verdict == AddressVerdict::secure;
  // A denial tells the end of the chain as well as records do.
  const auto telling = [&](Outcome outcome) {
    return secure ? outcome == Outcome::secure : outcome != Outcome::error;
  };
  const auto& answer = telling(a) ? *a_ : *aaaa_;
  const auto& end = answer->canonical_name;
  if (end == host_.text()) {
    if (!secure) return finish(HostState::none);
    bases_ = {host_};
    return ask_for_tlsa();
  }
  if (!secure) return ask_for_alias();
  bases_ = {host_};
  if (auto name = base::DomainName::parse(end)) bases_.push_back(std::move(*name));
  ask_for_tlsa();
}

/// The chain as a whole is insecure. If its first link is not, TLSA records at the host itself
/// count (RFC 7672 2.2.2).
void DaneHost::ask_for_alias() {
  first_ = ask(host_, net::RecordType::cname, [this](const Answer& answer) { on_alias(answer); });
}

void DaneHost::on_alias(const Answer& answer) {
  if (!answer) return fail(base::Error{answer.error()});
  count_ttl(*answer);
  if (outcome_of(answer) != Outcome::secure) return finish(HostState::none);
  bases_ = {host_};
  ask_for_tlsa();
}

void DaneHost::ask_for_tlsa() {
  while (!bases_.empty()) {
    const auto base = std::move(bases_.back());
    bases_.pop_back();
    const auto tcp = base.below("_tcp");
    auto name = tcp ? tcp->below("_" + std::to_string(port_)) : tcp;
    if (!name) continue;
    first_ = ask(*name, net::RecordType::tlsa, [this](const Answer& answer) { on_tlsa(answer); });
    return;
  }
  finish(HostState::none);
}

void DaneHost::on_tlsa(const Answer& answer) {
  if (!answer) return fail(base::Error{answer.error()});
  count_ttl(*answer);
  if (outcome_of(answer) != Outcome::secure) return ask_for_tlsa();
  finish(has_usable(answer->tlsa) ? HostState::usable : HostState::none);
}

void DaneHost::count_ttl(const net::DnsAnswer& answer) {
  finding_.ttl = std::min(finding_.ttl, answer.ttl);
}

void DaneHost::fail(const base::Error& why) {
  finding_.host.why = why.text;
  finding_.own_trouble = base::is_own_trouble(why.fault);
  finding_.ttl = base::seconds{0};
  finish(HostState::error);
}

void DaneHost::finish(HostState state) {
  finding_.host.state = state;
  const auto done = std::move(done_);
  done(std::move(finding_));  // destroys this
}

}  // namespace tlspolicyd::service
