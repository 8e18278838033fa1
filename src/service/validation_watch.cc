#include "service/validation_watch.h"

#include <utility>

namespace tlspolicyd::service {

ValidationWatch::ValidationWatch(net::Resolver& resolver, base::Clock& clock, base::Timers& timers,
                                 const base::Log& log, std::function<void()> changed)
    : resolver_(resolver), clock_(clock), timers_(timers), log_(log), changed_(std::move(changed)) {
  look();
}

void ValidationWatch::suspect() {
  if (question_ || state_ == State::does_not) return;
  const auto since = looked_ ? clock_.steady() - *looked_ : kSuspectPause;
  if (since >= kSuspectPause) return look();
  timer_ = timers_.after(std::chrono::ceil<base::milliseconds>(kSuspectPause - since),
                         [this] { look(); });
}

void ValidationWatch::look() {
  timer_.reset();
  ask(true, [this](const auto& answer) {
    if (answer || answer.error().fault != base::Fault::dns_unreachable)
      return on_answer(answer, kInterval);
    // None that is trusted is there. If another one is, it is what there is to go on with; the
    // trusted ones may be back soon.
    ask(false, [this](const auto& instead) { on_answer(instead, kRetry); });
  });
}

void ValidationWatch::ask(bool validated, net::Resolver::Done done) {
  question_ = resolver_.resolve(
      {.name = base::DomainName::root(), .type = net::RecordType::ns, .validated = validated},
      std::move(done));
}

void ValidationWatch::on_answer(const base::Result<net::DnsAnswer>& answer, base::seconds pause) {
  const bool told = answer.ok();
  const bool validated = told && answer->authenticated;
  question_.reset();
  looked_ = clock_.steady();
  timer_ = timers_.after(told ? pause : kRetry, [this] { look(); });
  if (!told) return;
  const auto now = validated ? State::validates : State::does_not;
  const auto before = std::exchange(state_, now);
  if (before == now) return;
  if (before == State::does_not || now == State::does_not) changed_();
  if (now == State::does_not) {
    log_.warning(
        "the resolver does not validate DNSSEC, or is not trusted to: DANE is not looked at, "
        "MTA-STS goes on",
        {{"hint",
          "use a validating resolver on 127.0.0.1, or set resolver.trust_ad: yes if nobody can "
          "forge what the resolver and its upstream servers answer; a stub that forwards "
          "(127.0.0.53, 127.0.0.54, 127.0.0.11) is not trusted by itself; dane.mode: off silences "
          "this"}});
  } else if (before == State::does_not) {
    log_.warning("the resolver validates DNSSEC again: DANE is respected");
  } else {
    log_.info("the resolver validates DNSSEC");
  }
}

}  // namespace tlspolicyd::service
