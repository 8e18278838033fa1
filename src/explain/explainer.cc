#include "explain/explainer.h"

#include <algorithm>
#include <utility>

#include "postfix/netstring.h"
#include "postfix/reply.h"
#include "postfix/tls_policy.h"
#include "service/policy_fetch.h"

namespace tlspolicyd::explain {
namespace {

using service::Decision;
using service::Profile;

struct Map {
  const char* name;
  Profile profile;
};
constexpr Map kMaps[] = {{"postfix", Profile::compat}, {"postfix-tlsrpt", Profile::tlsrpt}};

service::Question question_of(const postfix::NextHop& next_hop, Profile profile) {
  return {next_hop.domain,
          {.port = next_hop.port, .profile = profile, .bracketed = next_hop.bracketed}};
}

}  // namespace

Explainer::Explainer(Ports ports, Settings settings, std::string key, Done done)
    : ports_(std::move(ports)), settings_(std::move(settings)), done_(std::move(done)) {
  out_.key = std::move(key);
  auto next_hop = postfix::parse_next_hop(out_.key);
  if (!next_hop) {
    out_.no_domain = next_hop.error().text;
    soon(&Explainer::finish);
    return;
  }
  next_hop_ = std::move(*next_hop);
  out_.domain = next_hop_->domain.text();
  fresh_.emplace(ports_.resolver, ports_.make_https, ports_.clock, ports_.timers, settings_.dane,
                 settings_.inquiry, [this] { on_noted(); });
  // The daemon has long known whether its resolver validates; so shall this one before it asks.
  const bool knows = fresh_->resolver.steps().empty();
  next_ = ports_.timers.after(knows ? base::milliseconds{0} : kResolverPatience, [this] { ask(); });
}

void Explainer::soon(void (Explainer::*what)()) {
  next_ = ports_.timers.after(base::milliseconds{0}, [this, what] { (this->*what)(); });
}

void Explainer::on_noted() {
  if (!asked_) soon(&Explainer::ask);
}

/// In all maps at once: they share the look-ups.
void Explainer::ask() {
  asked_ = true;
  out_.replies.resize(std::size(kMaps));
  for (std::size_t at = 0; at < std::size(kMaps); ++at) {
    const auto question = question_of(*next_hop_, kMaps[at].profile);
    work_[at] = fresh_->service.ask(question, [this, question, at](const Decision& decision) {
      out_.replies[at] = {kMaps[at].name, postfix::render_reply(decision, question)};
      if (at == 0) decision_ = decision;
      if (++answered_ == std::size(kMaps)) soon(&Explainer::ask_for_mx);
    });
  }
}

/// Not every answer needs the MX hosts; whoever wants to know why does.
void Explainer::ask_for_mx() {
  const net::DnsQuestion question{.name = next_hop_->domain,
                                  .type = net::RecordType::mx,
                                  .validated = fresh_->dane.guards(out_.domain)};
  const auto* record = fresh_->book.find(out_.domain);
  const bool known = record && record->entry.stored;
  if ((!known && !settings_.wants_mx) || next_hop_->bracketed ||
      fresh_->resolver.find(question.name, question.type))
    return finish();
  work_.front() =
      fresh_->resolver.resolve(question, [this](const auto&) { soon(&Explainer::finish); });
}

void Explainer::finish() {
  if (next_hop_) {
    tell_txt();
    tell_policy_host();
    tell_mx();
    tell_gate();
    tell_withheld();
  }
  out_.outcome = outcome();
  if (next_hop_) apply_override();
  const auto done = std::move(done_);
  done(std::move(out_));  // may destroy this
}

void Explainer::tell_txt() {
  const auto name = next_hop_->domain.below("_mta-sts");
  const auto* step = name ? fresh_->resolver.find(*name, net::RecordType::txt) : nullptr;
  if (!step) return;
  out_.txt = *step;
  if (step->succeeded()) out_.record = sts::select_record(step->outcome->value().txt);
}

void Explainer::tell_policy_host() {
  if (fresh_->https.steps().empty()) return;
  out_.https = fresh_->https.steps().front();
  for (const auto& step : fresh_->resolver.steps()) {
    if (step.asked.name != out_.https->asked.host) continue;
    out_.address_steps.push_back(step);
    if (!step.succeeded()) continue;
    for (const auto& address : step.outcome->value().addresses)
      out_.addresses.push_back({address, !base::may_connect(address, settings_.allow_addresses)});
  }
  if (out_.https->succeeded()) out_.policy = service::judge_reply(out_.https->outcome->value());
}

void Explainer::tell_mx() {
  const auto* step = fresh_->resolver.find(next_hop_->domain, net::RecordType::mx);
  if (step) out_.mx = *step;
  std::vector<std::string> names;
  if (next_hop_->bracketed) {
    names.push_back(out_.domain);
  } else if (step && step->succeeded()) {
    names = service::mx_hosts_of(next_hop_->domain, step->outcome->value(), ports_.clock.steady())
                .names;
  }
  const bool known = out_.policy && out_.policy->ok();
  const auto patterns = known ? out_.policy->value().mx : std::vector<sts::MxPattern>();
  for (const auto& name : names) {
    const auto pattern = std::find_if(patterns.begin(), patterns.end(), [&](const auto& candidate) {
      return candidate.matches(name);
    });
    out_.mx_verdicts.push_back({name, pattern == patterns.end() ? "" : pattern->text()});
  }
}

void Explainer::tell_gate() {
  using service::Cause;
  const bool temporary = decision_.kind == Decision::Kind::temporary;
  // What did not come as far as the MX hosts did not come as far as the gate.
  const bool required =
      temporary ? decision_.cause == Cause::dane : decision_.kind != Decision::Kind::no_policy;
  auto& dane = fresh_->dane;
  Gate gate;
  if (!dane.guards(out_.domain)) {
    gate.why_not = dane.validation() == service::ValidationWatch::State::does_not
                       ? "the resolver does not validate DNSSEC, or is not trusted to"
                       : "off in the configuration";
  } else if (!next_hop_->bracketed && out_.mx && out_.mx->succeeded() &&
             !out_.mx->outcome->value().authenticated) {
    gate.why_not = "the MX records are not signed: anybody could have written them";
  }
  for (const auto& mx : out_.mx_verdicts) {
    const auto host = base::DomainName::parse(mx.host);
    const auto known = host ? dane.hosts().known(*host, next_hop_->port) : std::nullopt;
    if (known) gate.hosts.push_back(known->host);
  }
  for (const auto& step : fresh_->resolver.steps())
    if (step.asked.type == net::RecordType::tlsa) gate.tlsa.push_back(step);
  if (!required && gate.hosts.empty()) return;
  switch (decision_.kind) {
    case Decision::Kind::dane:
      gate.verdict = "DANE governs: every host must have TLSA records that match (dane-only)";
      break;
    case Decision::Kind::temporary: gate.verdict = decision_.reason; break;
    case Decision::Kind::secure:
      gate.verdict = "DANE does not bind: the MTA-STS policy applies";
      break;
    case Decision::Kind::no_policy: gate.verdict = "DANE cannot be required of every host"; break;
  }
  out_.gate = std::move(gate);
}

void Explainer::tell_withheld() {
  using service::Cause;
  const bool of_mx_hosts = decision_.cause == Cause::mx || decision_.cause == Cause::dane;
  if (decision_.kind == Decision::Kind::temporary && !of_mx_hosts)
    out_.withheld = Withheld{decision_.cause, base::printable(decision_.reason)};
}

/// The operator's word comes before everything that was found.
void Explainer::apply_override() {
  const auto wire = settings_.overrides.find(out_.domain);
  std::string reply(postfix::read_netstring(wire, wire.size()).payload);
  if (!wire.empty()) {
    out_.by_operator = "domains: " + out_.domain;
    const auto policy = reply.starts_with("OK ") ? postfix::parse_tls_policy(reply.substr(3))
                                                 : base::Error{base::Fault::invalid, ""};
    const bool verifies =
        policy && (policy->level == "secure" || policy->level == "verify" ||
                   policy->level == "dane-only" || policy->level == "fingerprint");
    out_.outcome = verifies ? Outcome::guarded : Outcome::unprotected;
  }
  if (settings_.observe) {
    out_.by_operator = "observe: true";
    reply = "NOTFOUND ";
    out_.outcome = Outcome::unprotected;
  }
  if (out_.by_operator.empty()) return;
  for (auto& told : out_.replies) told.text = reply;
}

/// Whether something that was asked of the network failed, by our own trouble or by others'.
bool Explainer::has_failed(bool by_ourselves) const {
  const auto failed = [&](const auto& step) {
    return step.outcome && !step.outcome->ok() &&
           base::is_own_trouble(step.outcome->error().fault) == by_ourselves;
  };
  return std::any_of(fresh_->resolver.steps().begin(), fresh_->resolver.steps().end(), failed) ||
         std::any_of(fresh_->https.steps().begin(), fresh_->https.steps().end(), failed);
}

Outcome Explainer::outcome() const {
  if (!next_hop_) return Outcome::unprotected;
  switch (decision_.kind) {
    case Decision::Kind::dane: return Outcome::guarded;
    case Decision::Kind::secure:
      return decision_.mx_names.empty() ? Outcome::deferred : Outcome::guarded;
    case Decision::Kind::temporary:
      // Mail waits, whatever the domain has published.
      if (decision_.cause == service::Cause::pinned) return Outcome::deferred;
      return has_failed(true) || !has_failed(false) ? Outcome::unknown : Outcome::deferred;
    case Decision::Kind::no_policy: break;
  }
  const bool cut_short = out_.https && !out_.https->outcome;
  const bool no_txt = out_.txt && !out_.txt->succeeded();
  return cut_short || no_txt ? Outcome::unknown : Outcome::unprotected;
}

}  // namespace tlspolicyd::explain
