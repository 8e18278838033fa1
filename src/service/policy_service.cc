#include "service/policy_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tlspolicyd::service {
namespace {

// Domains looked up at a time; each costs some kilobytes until its fetch has ended.
constexpr std::size_t kMaxInFlight = 16'384;
// Combinations of map and port that one domain is asked with.
constexpr std::size_t kMaxKept = 8;
// Names in a log line.
constexpr std::ptrdiff_t kMaxShown = 5;
// Bytes of a reply that is worth keeping; a longer one is made again for each question.
constexpr std::size_t kMaxKeptReply = 4096;

Settled kept_reply(const Record& record, const Terms& terms, const base::Clock& clock) {
  for (const auto& kept : record.replies)
    if (kept.terms == terms && kept.holds(clock.wall(), clock.steady()))
      return {.known = true, .kind = kept.kind, .wire = kept.wire};
  return {};
}

/// Some host names, for the log.
std::string first_of(const std::vector<std::string>& names) {
  const auto shown = std::min(std::ssize(names), kMaxShown);
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + shown, ","),
                     shown < std::ssize(names) ? ",..." : "");
}

/// An answer that needs no look-up, in a turn of its own as the contract of operations wants.
base::OperationPtr answer_soon(base::Timers& timers, Decision decision, PolicyService::Done done) {
  return timers.after(base::milliseconds{0},
                      [decision = std::move(decision), done = std::move(done)] { done(decision); });
}

}  // namespace

PolicyService::PolicyService(Outside outside, Book& book, Inquiry::Settings settings)
    : outside_(outside),
      settings_(std::move(settings)),
      book_(book),
      log_(outside_.log, outside_.clock) {}

Settled PolicyService::settled(std::string_view domain, const Terms& terms) {
  auto* record = book_.use(domain);
  if (!record) return {};
  const auto now = outside_.clock.wall();
  auto& entry = record->entry;
  entry.upkeep.used_at = now;
  if (entry.is_due(now)) return {};
  if (outside_.dane.serves_all(domain)) return kept_reply(*record, terms, outside_.clock);
  if (!entry.is_valid(now)) {
    if (entry.absence == sts::Absence::dns_error && settings_.defer_on_dns_error) return {};
    if (settings_.is_pinned(domain)) return {};
    // What is being fetched at this moment is worth waiting for.
    return {.known = !in_flight_.contains(std::string(domain)), .wire = {}};
  }
  if (!is_enforced(entry.stored->policy, terms))
    return {.known = !in_flight_.contains(std::string(domain)), .wire = {}};
  return kept_reply(*record, terms, outside_.clock);
}

base::OperationPtr PolicyService::ask(Question question, Done done) {
  if (in_flight_.size() >= kMaxInFlight && !in_flight_.contains(question.domain.text())) {
    Decision decision;
    decision.kind = Decision::Kind::temporary;
    decision.cause = Cause::overloaded;
    decision.reason = question.domain.text() + ": too many look-ups are under way";
    return answer_soon(outside_.timers, std::move(decision), std::move(done));
  }
  book_.open(question.domain);
  book_.use(question.domain.text())->entry.upkeep.used_at = outside_.clock.wall();
  auto& lookup = lookup_for(question.domain);
  return std::make_unique<Inquiry>(outside_, book_, lookup, settings_, question,
                                   [this, question, asked_at = outside_.clock.wall(),
                                    done = std::move(done)](const Decision& decision) {
                                     log_.write(question, decision, asked_at, settings_.observe);
                                     if (decision.elsewhere && !question.terms.bracketed)
                                       refetch(question.domain.text(),
                                               first_of(*decision.elsewhere));
                                     done(decision);
                                   });
}

void PolicyService::keep(const Question& question, const Decision& decision, std::string wire) {
  const auto now = outside_.clock.wall();
  if (decision.kind == Decision::Kind::temporary || now >= decision.valid_until) return;
  // "No policy" is known from the entry, unless DANE was looked at for it.
  if (decision.kind == Decision::Kind::no_policy &&
      !outside_.dane.serves_all(question.domain.text()))
    return;
  auto* record = book_.find(question.domain.text());
  if (!record || wire.size() > kMaxKeptReply) return;
  const auto steady = outside_.clock.steady();
  std::erase_if(record->replies, [&](const KeptReply& kept) {
    return kept.terms == question.terms || !kept.holds(now, steady);
  });
  if (record->replies.size() >= kMaxKept) record->replies.erase(record->replies.begin());
  record->replies.push_back({question.terms, decision.kind, decision.valid_until,
                             steady + (decision.valid_until - now), std::move(wire)});
  book_.account(*record);
}

Recalled PolicyService::recall(std::string_view domain, const Terms& terms) {
  auto* record = book_.find(domain);
  if (!record) return {};
  Recalled recalled{.policy = record->entry.stored, .wire = {}};
  for (const auto& kept : record->replies)
    if (kept.terms == terms) recalled.wire = kept.wire;
  return recalled;
}

void PolicyService::drop_findings(std::string_view domain) {
  auto& dane_hosts = outside_.dane.hosts();
  dane_hosts.forget(domain);  // a bracketed next-hop is a host itself
  auto* record = book_.find(domain);
  if (!record) return;
  record->replies.clear();
  if (record->mx) {
    for (const auto& name : record->mx->names) dane_hosts.forget(name);
    record->mx = outdated(*record->mx);
  }
  book_.account(*record);
}

void PolicyService::on_delivery_failed(std::string_view domain) {
  if (!drop_pauses_.begin(domain, outside_.clock.steady())) return;
  ++mx_stats_.findings_dropped;
  outside_.log.debug("MX hosts and TLSA records dropped: delivery failed", {{"domain", domain}});
  drop_findings(domain);
}

/// `mx`: the MX hosts that the policy does not allow, for the log.
void PolicyService::refetch(std::string_view domain, std::string_view mx) {
  const auto* record = book_.find(domain);
  const auto name = base::DomainName::parse(domain);
  if (!record || !name) return;
  const auto now = outside_.clock.wall();
  const auto& entry = record->entry;
  const auto running = in_flight_.find(name->text());
  if (running != in_flight_.end() && running->second->discovering()) return;
  if (!entry.is_valid(now) || !entry.may_fetch(entry.stored->id, now) ||
      !refetch_pauses_.begin(domain, outside_.clock.steady()))
    return;
  ++mx_stats_.policy_refetches;
  outside_.log.info("policy refetch started: no MX host matches",
                    {{"domain", domain}, {"id", entry.stored->id}, {"mx", mx}});
  if (running != in_flight_.end()) {
    running->second->refetch();
  } else {
    begin(*name, Discovery::Purpose::refresh, [] {});
  }
}

bool PolicyService::refresh(const base::DomainName& domain, std::function<void()> ended) {
  if (in_flight_.contains(domain.text())) return false;
  begin(domain, Discovery::Purpose::refresh, std::move(ended));
  return true;
}

Lookup& PolicyService::lookup_for(const base::DomainName& domain) {
  if (const auto known = in_flight_.find(domain.text()); known != in_flight_.end())
    return *known->second;
  std::optional<Discovery::Purpose> purpose;
  if (book_.open(domain).entry.is_due(outside_.clock.wall()))
    purpose = Discovery::Purpose::question;
  return begin(domain, purpose, [] {});
}

Lookup& PolicyService::begin(const base::DomainName& domain,
                             std::optional<Discovery::Purpose> purpose,
                             std::function<void()> ended) {
  auto& lookup = in_flight_[domain.text()];
  lookup = std::make_unique<Lookup>(outside_, book_, domain, purpose,
                                    [this, key = domain.text(), ended = std::move(ended)] {
                                      in_flight_.erase(key);
                                      ended();
                                    });
  return *lookup;
}

}  // namespace tlspolicyd::service
