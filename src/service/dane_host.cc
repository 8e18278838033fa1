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

DaneHost::DaneHost(net::Resolver& resolver, base::Timers& timers, base::DomainName host,
                   std::uint16_t port, base::milliseconds grace, Done done)
    : resolver_(resolver),
      timers_(timers),
      host_(std::move(host)),
      port_(port),
      grace_(grace),
      done_(std::move(done)) {
  finding_.host.host = host_.text();
  finding_.ttl = base::seconds::max();
  a_question_ =
      ask(host_, net::RecordType::a, [this](const Answer& answer) { on_family(a_, answer); });
  aaaa_question_ =
      ask(host_, net::RecordType::aaaa, [this](const Answer& answer) { on_family(aaaa_, answer); });
}

base::OperationPtr DaneHost::ask(const base::DomainName& name, net::RecordType type,
                                 net::Resolver::Done done) {
  return resolver_.resolve({.name = name, .type = type, .validated = true}, std::move(done));
}

void DaneHost::on_family(std::optional<Answer>& slot, const Answer& answer) {
  slot = answer;
  if (answer) count_ttl(*answer);
  if (settled_) return;
  if (a_ && aaaa_) return on_addresses();
  const auto outcome = outcome_of(answer);
  if (outcome == Outcome::secure) return on_addresses();
  // A proved denial says nothing of the other family, nor does an error.
  if (dane::address_verdict(outcome, Outcome::error) == AddressVerdict::error) return;
  timer_ = timers_.after(grace_, [this] {
    finding_.half_silent = true;
    on_addresses();
  });
}

void DaneHost::on_addresses() {
  settled_ = true;
  timer_.reset();
  // What has not been answered is not known.
  const Answer silent = base::Error{base::Fault::dns_timeout, "not awaited"};
  const Answer& known_a = a_ ? *a_ : silent;
  const Answer& known_aaaa = aaaa_ ? *aaaa_ : silent;
  const auto a = outcome_of(known_a);
  const auto aaaa = outcome_of(known_aaaa);
  const auto verdict = dane::address_verdict(a, aaaa);
  if (verdict == AddressVerdict::no_address) return finish(HostState::no_address);
  if (verdict == AddressVerdict::error) return fail(known_a ? known_aaaa.error() : known_a.error());
  const bool secure = verdict == AddressVerdict::secure;
  // A denial tells the end of the chain as well as records do.
  const auto telling = [&](Outcome outcome) {
    return secure ? outcome == Outcome::secure : outcome != Outcome::error;
  };
  const auto& answer = telling(a) ? known_a : known_aaaa;
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
  question_ =
      ask(host_, net::RecordType::cname, [this](const Answer& answer) { on_alias(answer); });
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
    question_ =
        ask(*name, net::RecordType::tlsa, [this](const Answer& answer) { on_tlsa(answer); });
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
