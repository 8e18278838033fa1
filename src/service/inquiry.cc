#include "service/inquiry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tlspolicyd::service {
namespace {

using base::milliseconds;
using base::seconds;

Decision temporary(Cause cause, std::string reason) {
  Decision decision;
  decision.kind = Decision::Kind::temporary;
  decision.cause = cause;
  decision.reason = std::move(reason);
  return decision;
}

Cause cause_of(const base::Error& own_trouble) {
  return own_trouble.fault == base::Fault::overloaded ? Cause::overloaded : Cause::own_trouble;
}

Decision by_dane(std::shared_ptr<const sts::StoredPolicy> policy, base::WallTime valid_until) {
  Decision decision;
  decision.kind = Decision::Kind::dane;
  decision.policy = std::move(policy);
  decision.valid_until = valid_until;
  return decision;
}

base::WallTime valid_until_of(const GateFindings& found, const base::Clock& clock) {
  return clock.wall() + std::min(found.valid_for, sts::Timing::kTxtCeiling);
}

base::WallTime valid_until_of(const MxHosts& hosts, const base::Clock& clock) {
  return clock.wall() + std::chrono::floor<seconds>(hosts.until - clock.steady());
}

std::string_view word_of(dane::Verdict::Kind kind) {
  switch (kind) {
    case dane::Verdict::Kind::dane: return "dane";
    case dane::Verdict::Kind::temporary: return "error";
    case dane::Verdict::Kind::sts: return "no-tlsa";
  }
  return "";
}

std::string_view describe(sts::Absence absence) {
  switch (absence) {
    case sts::Absence::unknown: return "policy not known yet";
    case sts::Absence::no_record: return "no MTA-STS record";
    case sts::Absence::invalid_record: return "MTA-STS record is invalid";
    case sts::Absence::several_records: return "several MTA-STS records";
    case sts::Absence::dns_error: return "TXT look-up failed";
    case sts::Absence::fetch_failed: return "policy could not be fetched";
  }
  return "";
}

/// The same with the cause, as far as it is kept.
std::string describe(const sts::Entry& entry) {
  std::string text(describe(entry.absence));
  if (entry.absence == sts::Absence::dns_error && entry.dns_error) text += ": " + *entry.dns_error;
  if (entry.absence == sts::Absence::fetch_failed && !entry.failed.empty())
    text += ": " + entry.failed.front().why.text;
  return text;
}

}  // namespace

Inquiry::Inquiry(const Outside& outside, Book& book, Lookup& lookup, const Settings& settings,
                 Question question, Done done)
    : outside_(outside),
      book_(book),
      lookup_(&lookup),
      settings_(settings),
      question_(std::move(question)),
      done_(std::move(done)),
      asked_at_(outside.clock.steady()),
      patience_(settings.patience),
      stage_(Stage::dns) {
  lookup_->join(*this);
  const auto& entry = book_.open(question_.domain).entry;
  const auto now = outside_.clock.wall();
  if (entry.is_valid(now)) {
    patience_ = Patience::with_policy();
    // Begun at once, beside the TXT record.
    if (asks_for_mx(entry.stored->policy)) mx_hosts_for(entry.stored->policy);
  }
  if (may_change(entry, now)) {
    arm(patience_.dns);
  } else {
    stage_ = Stage::first_look;
    arm(milliseconds{0});
  }
}

Inquiry::~Inquiry() {
  if (lookup_) lookup_->leave(*this);
}

/// Whether the answer may be another one once the look-up has come further. A valid policy's is
/// not, while it is merely being refreshed: such an answer waits for nobody's HTTPS.
bool Inquiry::may_change(const sts::Entry& entry, base::WallTime now) const {
  return entry.is_valid(now) ? lookup_->may_change(entry.is_due(now)) : lookup_->discovering();
}

/// Whether this policy's answer depends on the MX hosts: by its names, or for the DANE gate.
bool Inquiry::asks_for_mx(const sts::Policy& policy) const {
  return needs_mx_hosts(policy, question_.terms) ||
         (is_enforced(policy, question_.terms) && !question_.terms.bracketed &&
          outside_.dane.guards(question_.domain.text()));
}

/// One question is judged by one set of MX hosts, though they may expire while it waits; but not by
/// one that was learnt before the resolver, or what is believed of it, changed.
const std::optional<MxResult>& Inquiry::mx_hosts() {
  if (!mx_hosts_ || mx_era_ != book_.era()) {
    mx_era_ = book_.era();
    mx_hosts_ = lookup_->mx_hosts(mx_since_);
  }
  return mx_hosts_;
}

/// The same for a policy that is to be applied: that it allows none of them is believed only of an
/// answer that the DNS was asked for after the question came (decisions.md 27).
const std::optional<MxResult>& Inquiry::mx_hosts_for(const sts::Policy& policy) {
  const auto& known = mx_hosts();
  if (!known || !known->ok() || known->value()->asked >= asked_at_ ||
      allows_any(policy, *known->value()))
    return known;
  mx_since_ = asked_at_;
  mx_hosts_.reset();
  return mx_hosts();
}

const GateFindings* Inquiry::gate() {
  if (question_.terms.bracketed) return lookup_->gate(question_.terms, {question_.domain.text()});
  return lookup_->gate(question_.terms, mx_hosts_->value()->names);
}

void Inquiry::arm(milliseconds delay) {
  timer_ = outside_.timers.after(delay, [this] { on_timer(); });
}

void Inquiry::on_timer() {
  switch (stage_) {
    case Stage::first_look: stage_ = Stage::over; break;
    case Stage::dns:
      if (lookup_->discovering() && lookup_->phase() != Discovery::Phase::asking_dns) {
        stage_ = Stage::whole;
        arm(patience_.whole - patience_.dns);
        return;
      }
      stage_ = Stage::over;
      break;
    case Stage::whole:
    case Stage::over: stage_ = Stage::over; break;
  }
  lookup_->tell_waiters();
}

std::optional<Decision> Inquiry::try_decide() {
  auto decision = decide();
  if (!decision) return decision;
  decision->trail = lookup_->trail();
  decision->trail.gate = gate_word_;
  if (lookup_->is_outdated())
    decision->valid_until = std::min(decision->valid_until, outside_.clock.wall());
  return decision;
}

std::optional<Decision> Inquiry::decide() {
  const auto now = outside_.clock.wall();
  const auto& entry = book_.open(question_.domain).entry;
  const bool awaited = may_change(entry, now);
  if (awaited && stage_ != Stage::over) return std::nullopt;
  const auto policy = lookup_->policy(entry, now);
  if (!policy) return unless_dane(without_policy(entry, now));

  auto valid_until = std::min(entry.txt_due, policy->expires_at);
  // While a newer policy may be on its way this answer holds for this question only.
  if (awaited || lookup_->own_trouble()) valid_until = now;
  if (is_enforced(policy->policy, question_.terms)) return enforced(policy, valid_until);
  auto decision = apply(policy, question_, nullptr);
  decision.valid_until = valid_until;
  return unless_dane(std::move(decision));
}

/// The DANE gate's place, between the valid policy and its application (spec dane.md).
std::optional<Decision> Inquiry::enforced(const std::shared_ptr<const sts::StoredPolicy>& policy,
                                          base::WallTime valid_until) {
  const auto& domain = question_.domain.text();
  const bool guarded = outside_.dane.guards(domain);
  const MxHosts* hosts = nullptr;
  if (asks_for_mx(policy->policy)) {
    const auto& known = mx_hosts_for(policy->policy);
    if (!known) return std::nullopt;
    if (!*known) {
      gate_word_ = "mx-error";
      return temporary(Cause::mx,
                       fmt::format("{}: MX look-up failed: {}", domain, known->error().text));
    }
    hosts = known->value().get();
    valid_until = std::min(valid_until, valid_until_of(*hosts, outside_.clock));
  }
  gate_word_ = guarded ? "unsigned" : "off";
  // Hosts that came with an unsigned MX RRset are anybody's word: DANE does not bind (D4).
  if (guarded && (question_.terms.bracketed || hosts->authenticated)) {
    const auto* found = gate();
    if (!found) return std::nullopt;
    auto verdict = dane::judge(found->hosts, outside_.dane.mixed());
    gate_word_ = word_of(verdict.kind);
    if (verdict.kind == dane::Verdict::Kind::temporary)
      return temporary(Cause::dane, fmt::format("{}: {}", domain, verdict.reason));
    valid_until = std::min(valid_until, valid_until_of(*found, outside_.clock));
    if (verdict.kind == dane::Verdict::Kind::dane) return by_dane(policy, valid_until);
  }
  auto decision = apply(policy, question_, hosts);
  // Who asks next is to have a look of its own.
  decision.valid_until =
      decision.elsewhere ? std::min(valid_until, outside_.clock.wall()) : valid_until;
  return decision;
}

/// A decision that requires nothing, where DANE is not to be looked at for such domains or cannot
/// be required of every host; trouble on the way makes no difference (decisions.md 5).
std::optional<Decision> Inquiry::unless_dane(Decision decision) {
  if (decision.kind != Decision::Kind::no_policy ||
      !outside_.dane.serves_all(question_.domain.text()))
    return decision;
  if (!question_.terms.bracketed) {
    const auto& known = mx_hosts();
    if (!known) return std::nullopt;
    decision.valid_until =
        std::min(decision.valid_until, known->ok() ? valid_until_of(*known->value(), outside_.clock)
                                                   : outside_.clock.wall());
    if (!known->ok() || !known->value()->authenticated) return decision;
  }
  const auto* found = gate();
  if (!found) return std::nullopt;
  decision.valid_until = std::min(decision.valid_until, valid_until_of(*found, outside_.clock));
  if (dane::all_usable(found->hosts)) return by_dane(decision.policy, decision.valid_until);
  return decision;
}

Decision Inquiry::without_policy(const sts::Entry& entry, base::WallTime now) const {
  auto decision = unknown_policy(entry, now);
  const auto& domain = question_.domain.text();
  if (decision.kind != Decision::Kind::no_policy || !settings_.is_pinned(domain)) return decision;
  return temporary(Cause::pinned,
                   fmt::format("{}: pinned, and not known: {}", domain, decision.reason));
}

Decision Inquiry::unknown_policy(const sts::Entry& entry, base::WallTime now) const {
  const auto& domain = question_.domain.text();
  if (lookup_->own_trouble())
    return temporary(cause_of(*lookup_->own_trouble()),
                     fmt::format("{}: {}", domain, lookup_->own_trouble()->text));
  if (lookup_->discovering()) {
    switch (lookup_->phase()) {
      case Discovery::Phase::waiting_for_slot:
        return temporary(Cause::overloaded,
                         fmt::format("{}: too many policy fetches are under way", domain));
      case Discovery::Phase::asking_dns:
        if (settings_.defer_on_dns_error)
          return temporary(Cause::txt,
                           fmt::format("{}: TXT look-up has not finished in time", domain));
        break;
      case Discovery::Phase::saving:
        return temporary(Cause::disk, fmt::format("{}: its policy is being saved", domain));
      case Discovery::Phase::fetching: break;
    }
    Decision decision;
    decision.reason = "policy not known in time";
    return decision;
  }
  if (entry.absence == sts::Absence::dns_error && settings_.defer_on_dns_error)
    return temporary(Cause::txt, fmt::format("{}: {}", domain, describe(entry)));
  Decision decision;
  decision.reason = describe(entry);
  decision.valid_until = std::max(entry.txt_due, now);
  return decision;
}

void Inquiry::deliver(Decision decision) {
  lookup_ = nullptr;
  timer_.reset();
  const auto done = std::move(done_);
  done(decision);  // may destroy this
}

}  // namespace tlspolicyd::service
