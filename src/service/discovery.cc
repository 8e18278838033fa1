#include "service/discovery.h"

#include <utility>

#include "base/registered_domain.h"
#include "service/policy_fetch.h"
#include "service/policy_log.h"
#include "sts/txt_record.h"

namespace tlspolicyd::service {
namespace {

using base::Error;
using base::Fault;

// A fetch that has not begun by then is not worth waiting for: nobody does any more.
constexpr base::seconds kSlotPatience{60};

sts::Event event_of(const net::DnsAnswer& answer, std::string& reason) {
  if (answer.kind != net::DnsAnswer::Kind::records)
    return sts::TxtAbsent{sts::Absence::no_record, answer.ttl, answer.authenticated};
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
  return sts::TxtAbsent{sts::Absence::no_record, answer.ttl, answer.authenticated};
}

}  // namespace

Discovery::Discovery(const Outside& outside, Book& book, base::DomainName domain, Purpose purpose,
                     Done done)
    : outside_(outside),
      book_(book),
      domain_(std::move(domain)),
      purpose_(purpose),
      done_(std::move(done)) {
  if (purpose_ == Purpose::refresh)
    book_.advance(domain_, sts::RefreshBegun{}, outside_.clock.wall());
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

Trail Discovery::trail() const {
  auto trail = trail_;
  if (!trail.fetch.empty()) return trail;
  switch (phase_) {
    case Phase::asking_dns: break;
    case Phase::waiting_for_slot: trail.fetch = "waiting"; break;
    case Phase::fetching: trail.fetch = "asking"; break;
    case Phase::saving: trail.fetch = "saving"; break;
  }
  return trail;
}

void Discovery::on_txt(const base::Result<net::DnsAnswer>& answer) {
  const auto now = outside_.clock.wall();
  if (!answer) {
    const Error why = answer.error();
    trail_.txt = name_of(why.fault);
    book_.advance(domain_, sts::TxtFailed{why}, now);
    outside_.log.info(
        "TXT look-up failed",
        {{"domain", domain_.text()}, {"fault", name_of(why.fault)}, {"why", why.text}});
    if (!base::is_own_trouble(why.fault))
      return purpose_ == Purpose::refresh ? refresh() : finish(std::nullopt);
    // Without resolver there is no fetch either.
    if (const auto& stored = book_.open(domain_).entry.stored;
        stored && purpose_ == Purpose::refresh) {
      id_ = stored->id;
      return on_failure(why);
    }
    return finish(why);
  }
  std::string reason;
  const auto event = event_of(*answer, reason);
  if (const auto* absent = std::get_if<sts::TxtAbsent>(&event)) trail_.txt = name_of(absent->kind);
  const auto known = book_.open(domain_).entry.stored;
  const auto* found = std::get_if<sts::TxtFound>(&event);
  const bool new_id = found && (!known || found->id != known->id);
  if (found) trail_.txt = new_id ? "new-id" : "same-id";
  const auto next = book_.advance(domain_, event, now);
  if (!reason.empty())
    outside_.log.info("TXT record not usable", {{"domain", domain_.text()}, {"why", reason}});
  if (next == sts::Next::fetch) return begin_fetch(std::get<sts::TxtFound>(event).id);
  if (purpose_ == Purpose::refresh && !(new_id && known)) return refresh();
  finish(std::nullopt);
}

/// The record named nothing new, or could not be had: the policy is fetched all the same.
void Discovery::refresh() {
  const auto& entry = book_.open(domain_).entry;
  if (!entry.stored || !entry.may_fetch(entry.stored->id, outside_.clock.wall()))
    return finish(std::nullopt);
  only_refreshes_ = true;
  begin_fetch(entry.stored->id);
}

void Discovery::begin_fetch(std::string id) {
  id_ = std::move(id);
  const auto owner = base::registered_domain(domain_);
  const auto purpose = purpose_ == Purpose::refresh || only_refreshes_
                           ? FetchSlots::Purpose::refresh
                           : FetchSlots::Purpose::question;
  // Where there is room it begins in the next turn: that is no delay of ours.
  phase_ = outside_.slots.has_room(owner, purpose) ? Phase::fetching : Phase::waiting_for_slot;
  slot_ = outside_.slots.request(owner, purpose, [this] {
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
  if (!slot_) return on_failure(too_many);
  step_ = outside_.timers.after(kSlotPatience, [this, too_many] { on_failure(too_many); });
}

void Discovery::on_policy(const base::Result<sts::Policy>& policy) {
  // Copied: what is called for them may destroy the step that they came from.
  if (!policy) return on_failure(Error{policy.error()});
  const auto& entry = book_.open(domain_).entry;
  const auto renewed = std::make_shared<const sts::StoredPolicy>(
      sts::renewal(entry, id_, *policy, outside_.clock.wall()));
  phase_ = Phase::saving;
  slot_.reset();
  step_ = outside_.keeper.keep(domain_, renewed, [this, renewed](bool) { on_kept(renewed); });
}

void Discovery::on_kept(const std::shared_ptr<const sts::StoredPolicy>& policy) {
  const auto now = outside_.clock.wall();
  const auto before = book_.open(domain_).entry.stored;
  const bool recovered = before && now >= before->expires_at &&
                         before->policy.mode == sts::Mode::enforce &&
                         policy->policy.mode == sts::Mode::enforce;
  log_fetched(outside_.log, domain_, before.get(), *policy, recovered);
  book_.advance(domain_, sts::PolicyFetched{policy}, now);
  trail_.fetch = "fetched";
  finish(std::nullopt);
}

void Discovery::on_failure(const Error& why) {
  const auto now = outside_.clock.wall();
  book_.advance(domain_, sts::FetchFailed{id_, why}, now);
  trail_.fetch = name_of(why.fault);
  auto& entry = book_.open(domain_).entry;
  log_not_fetched(outside_.log, domain_, id_, why, entry, now);
  if (sts::raises_alert(entry, now)) log_expired(outside_.log, domain_.text(), entry);
  if (entry.stored) outside_.keeper.note(domain_.text());
  finish(base::is_own_trouble(why.fault) ? std::optional(why) : std::nullopt);
}

void Discovery::finish(std::optional<Error> own_trouble) {
  const auto done = std::move(done_);
  slot_.reset();  // before anybody asks for one
  // What failed by other settings says nothing of the present ones.
  if (attempt_ != book_.attempt()) sts::forget_failures(book_.open(domain_).entry);
  done(std::move(own_trouble));  // destroys this
}

}  // namespace tlspolicyd::service
