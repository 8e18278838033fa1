#include "service/discovery.h"

#include <utility>

#include "base/registered_domain.h"
#include "service/policy_fetch.h"
#include "sts/txt_record.h"

namespace tlspolicyd::service {
namespace {

using base::Error;
using base::Fault;

// A fetch that has not begun by then is not worth waiting for: nobody does any more.
constexpr base::seconds kSlotPatience{60};

sts::Event event_of(const net::DnsAnswer& answer, std::string& reason) {
  if (answer.kind != net::DnsAnswer::Kind::records)
    return sts::TxtAbsent{sts::Absence::no_record, answer.ttl};
  auto selection = sts::select_record(answer.txt);
  reason = selection.reason;
  switch (selection.verdict) {
    case sts::TxtSelection::Verdict::ok: return sts::TxtFound{std::move(selection.id), answer.ttl};
    case sts::TxtSelection::Verdict::multiple:
      return sts::TxtAbsent{sts::Absence::several_records, answer.ttl};
    case sts::TxtSelection::Verdict::invalid:
      return sts::TxtAbsent{sts::Absence::invalid_record, answer.ttl};
    case sts::TxtSelection::Verdict::none: break;
  }
  return sts::TxtAbsent{sts::Absence::no_record, answer.ttl};
}

}  // namespace

Discovery::Discovery(const Outside& outside, Book& book, base::DomainName domain, Done done)
    : outside_(outside), book_(book), domain_(std::move(domain)), done_(std::move(done)) {
  auto name = domain_.below("_mta-sts");
  if (name) {
    step_ = outside_.resolver.resolve({std::move(*name), net::RecordType::txt},
                                      [this](const auto& answer) { on_txt(answer); });
  } else {
    step_ = outside_.timers.after(base::milliseconds(0), [this] {
      book_.advance(domain_, sts::TxtAbsent{sts::Absence::no_record, sts::Timing::kTxtCeiling},
                    outside_.clock.wall());
      finish(std::nullopt);
    });
  }
}

void Discovery::on_txt(const base::Result<net::DnsAnswer>& answer) {
  const auto now = outside_.clock.wall();
  if (!answer) {
    const Error why = answer.error();
    book_.advance(domain_, sts::TxtFailed{why}, now);
    outside_.log.info(
        "TXT look-up failed",
        {{"domain", domain_.text()}, {"fault", name_of(why.fault)}, {"why", why.text}});
    finish(base::is_own_trouble(why.fault) ? std::optional(why) : std::nullopt);
    return;
  }
  std::string reason;
  const auto event = event_of(*answer, reason);
  const auto next = book_.advance(domain_, event, now);
  if (!reason.empty())
    outside_.log.info("TXT record not usable", {{"domain", domain_.text()}, {"why", reason}});
  if (next == sts::Next::fetch) {
    id_ = std::get<sts::TxtFound>(event).id;
    begin_fetch();
  } else {
    finish(std::nullopt);
  }
}

void Discovery::begin_fetch() {
  phase_ = Phase::waiting_for_slot;
  slot_ = outside_.slots.request(base::registered_domain(domain_), [this] {
    const auto request = policy_request(domain_);
    if (!request) {
      on_policy(request.error());
      return;
    }
    phase_ = Phase::fetching;
    book_.advance(domain_, sts::FetchBegun{}, outside_.clock.wall());
    step_ = std::make_unique<PolicyFetch>(outside_.https, *request,
                                          [this](const auto& policy) { on_policy(policy); });
  });
  const Error too_many{Fault::overloaded, "too many policy fetches are waiting"};
  if (!slot_) return on_policy(too_many);
  step_ = outside_.timers.after(kSlotPatience, [this, too_many] { on_policy(too_many); });
}

void Discovery::on_policy(const base::Result<sts::Policy>& policy) {
  const auto now = outside_.clock.wall();
  if (policy) {
    book_.advance(domain_, sts::PolicyFetched{id_, *policy}, now);
    outside_.log.info("policy fetched", {{"domain", domain_.text()},
                                         {"id", id_},
                                         {"mode", name_of(policy->mode)},
                                         {"max_age", policy->max_age.count()},
                                         {"mx", policy->mx.size()}});
    finish(std::nullopt);
    return;
  }
  const Error why = policy.error();
  book_.advance(domain_, sts::FetchFailed{id_, why}, now);
  log_failure(why);
  finish(base::is_own_trouble(why.fault) ? std::optional(why) : std::nullopt);
}

void Discovery::log_failure(const Error& why) const {
  outside_.log.warning("policy not fetched", {{"domain", domain_.text()},
                                              {"id", id_},
                                              {"result", tlsrpt_result_type(why.fault)},
                                              {"fault", name_of(why.fault)},
                                              {"why", why.text}});
}

void Discovery::finish(std::optional<Error> own_trouble) {
  const auto done = std::move(done_);
  slot_.reset();
  done(std::move(own_trouble));  // destroys this
}

}  // namespace tlspolicyd::service
