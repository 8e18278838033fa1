#include "service/fleet.h"

#include <algorithm>
#include <utility>

#include "service/policy_log.h"
#include "sts/adoption.h"

namespace tlspolicyd::service {
namespace {

using base::WallTime;

// A tick's share of the book is offered in steps, each whole or not at all: a step of the largest
// book fits into the queue.
constexpr int kSteps = 64;
constexpr double kStep = static_cast<double>(Fleet::kTick.count()) /
                         static_cast<double>(base::milliseconds(Fleet::kRound).count()) / kSteps;

/// Whether the later of two words of a domain is the newer one, on all nodes alike.
bool is_newer(const store::Word& word, const store::Word& before, WallTime now) {
  if (word.row && before.row) {
    sts::Entry entry;
    entry.stored = before.row->policy;
    return sts::judge(entry, *word.row->policy, now) == sts::Offer::better;
  }
  const auto time_of = [](const store::Word& of) {
    return of.row ? of.row->policy->fetched_at : of.forgotten_at;
  };
  return time_of(word) >= time_of(before);
}

bool is_past(base::SteadyTime said, base::SteadyTime now) {
  return said == base::SteadyTime{} || now >= said + Fleet::kReminder;
}

}  // namespace

Fleet::Fleet(store::SharedCache& cache, Book& book, Keeper& keeper, base::Clock& clock,
             base::Timers& timers, const base::Log& log)
    : cache_(cache), book_(book), keeper_(keeper), clock_(clock), timers_(timers), log_(log) {
  cache_.set_listener(this);
  keeper_.on_news([this](const auto& domain, const auto& policy) { on_news(domain, policy); });
}

Fleet::~Fleet() {
  keeper_.on_news(nullptr);
  cache_.set_listener(nullptr);
}

void Fleet::set_server(const std::string& text) {
  if (text == state_.server) return;
  state_.server = text;
  state_.connected = false;
  state_.why = "not connected yet";
  state_.since = clock_.wall();
  away_said_ = {};
  was_away_ = true;
  offer_timer_.reset();
}

void Fleet::on_connected() {
  state_.connected = true;
  state_.why.clear();
  state_.since = clock_.wall();
  if (std::exchange(was_away_, false))
    log_.info("shared cache connected", {{"server", state_.server}});
  for (const auto& [domain, at] : forgotten_) tell_forgotten(domain, at);
  next_offer_ = 0;
  offer_some();
}

void Fleet::on_away(const std::string& why) {
  offer_timer_.reset();
  const bool begins = std::exchange(state_.connected, false);
  if (begins) state_.since = clock_.wall();
  state_.why = why;
  const auto now = clock_.steady();
  // Also where it comes and goes.
  if (!is_past(away_said_, now)) return;
  away_said_ = now;
  was_away_ = true;
  log_.warning("shared cache is away, this node goes on alone",
               {{"server", state_.server}, {"why", why}});
}

void Fleet::on_words(std::vector<store::Word> words) {
  for (auto& word : words) hear(std::move(word));
}

void Fleet::hear(store::Word word) {
  if (!keeper_.is_keeping(word.domain)) {
    word.row ? consider(*word.row) : forget(word);
    return;
  }
  const auto [known, is_first] = unheard_.try_emplace(word.domain, word);
  if (!is_first && is_newer(word, known->second, clock_.wall())) known->second = std::move(word);
  if (hear_again_) return;
  hear_again_ = timers_.after(kHearAgain, [this] {
    const auto keep = std::move(hear_again_);  // this closure, until its end
    for (auto& [domain, unheard] : std::exchange(unheard_, {})) hear(std::move(unheard));
  });
}

void Fleet::on_unreadable(std::size_t count, const std::string& example) {
  refuse(count, "", "unreadable: " + example);
}

void Fleet::refuse(std::size_t count, const std::string& domain, const std::string& why) {
  state_.refused += count;
  const auto now = clock_.steady();
  if (!is_past(refusal_said_, now)) return;
  refusal_said_ = now;
  log_.warning("what the shared cache holds is not taken up",
               {{"domain", domain}, {"why", why}, {"so_far", state_.refused}});
}

void Fleet::on_untold(std::size_t count, const std::string& why) {
  state_.untold += count;
  state_.why_untold = why;
  const auto now = clock_.steady();
  if (!is_past(untold_said_, now)) return;
  untold_said_ = now;
  log_.warning("shared cache does not take policies: the others do not hear of this node's",
               {{"server", state_.server}, {"why", why}, {"so_far", state_.untold}});
}

void Fleet::consider(const store::Row& row) {
  const auto domain = base::DomainName::parse(row.domain);
  if (!domain || was_forgotten(row)) return;
  const auto* record = book_.find(row.domain);
  switch (sts::judge(record ? record->entry : sts::Entry{}, *row.policy, clock_.wall())) {
    case sts::Offer::better: adopt(*domain, row); break;
    case sts::Offer::outdated:
      tell(row.domain, record->entry.stored, record->entry.upkeep.used_at);
      break;
    case sts::Offer::wrong:
      refuse(1, row.domain, "its times cannot be right: are the clocks of all nodes?");
      break;
    case sts::Offer::equal:
    case sts::Offer::expired: break;
  }
}

void Fleet::adopt(const base::DomainName& domain, const store::Row& row) {
  const auto& name = domain.text();
  // Before it is written.
  auto& used_at = book_.open(domain).entry.upkeep.used_at;
  used_at = std::max(used_at, std::min(row.upkeep.used_at, clock_.wall()));
  auto& adoption = adoptions_[name];
  adoption.policy = row.policy;
  adoption.keeping = keeper_.keep(domain, row.policy, [this, domain, policy = row.policy](bool) {
    // Erasing it destroys this closure.
    auto& fleet = *this;
    const auto taken = policy;
    const auto of = domain;
    fleet.adoptions_.erase(of.text());
    if (fleet.adoptions_.size() < kMaxAdoptions) fleet.cache_.set_busy(false);
    fleet.enter(of, taken);
  });
  if (adoptions_.size() >= kMaxAdoptions) cache_.set_busy(true);
}

void Fleet::enter(const base::DomainName& domain,
                  const std::shared_ptr<const sts::StoredPolicy>& policy) {
  const auto now = clock_.wall();
  const auto& name = domain.text();
  if (!book_.has_row(name)) {
    ++state_.unplaced;
    return;
  }
  const auto& entry = book_.open(domain).entry;
  // Meanwhile this node may have fetched a newer one, or its time is over.
  if (sts::judge(entry, *policy, now) != sts::Offer::better) {
    if (entry.stored) {
      book_.reconsider(name, now);
    } else {
      keeper_.forget(name);
    }
    return;
  }
  log_adopted(log_, domain, entry.stored.get(), *policy);
  book_.advance(domain, sts::PolicyFetched{policy, true}, now);
  ++state_.adopted;
}

void Fleet::forget(const store::Word& word) {
  const auto now = clock_.wall();
  if (word.forgotten_at > now + sts::kClockSkew)
    return refuse(1, word.domain, "forgotten in the future: are the clocks of all nodes right?");
  const auto* record = book_.find(word.domain);
  const auto stored = record ? record->entry.stored : nullptr;
  if (!stored || stored->fetched_at <= word.forgotten_at)
    note_forgotten(word.domain, word.forgotten_at);
  if (!stored) return;
  if (stored->fetched_at > word.forgotten_at)
    return tell(word.domain, stored, record->entry.upkeep.used_at);
  log_.warning("policy forgotten: an operator had another node forget it",
               {{"domain", word.domain}, {"id", stored->id}});
  keeper_.forget(word.domain);
  ++state_.forgotten;
}

/// Whether this is what an operator had forgotten, on its way still or written again by a node that
/// had not heard of it: then it is told once more.
bool Fleet::was_forgotten(const store::Row& row) {
  const auto found = forgotten_.find(row.domain);
  if (found == forgotten_.end()) return false;
  if (row.policy->fetched_at > found->second) {
    forgotten_.erase(found);
    return false;
  }
  tell_forgotten(row.domain, found->second);
  return true;
}

void Fleet::note_forgotten(const std::string& domain, WallTime at) {
  if (forgotten_.size() >= kMaxForgotten) forgotten_.erase(forgotten_.begin());
  auto& noted = forgotten_[domain];
  noted = std::max(noted, at);
}

void Fleet::tell_forgotten(const std::string& domain, WallTime at) {
  cache_.tell({.domain = domain, .row = std::nullopt, .forgotten_at = at});
}

/// Of this node: a policy that is being saved, or one that its operator had forgotten.
void Fleet::on_news(const std::string& domain,
                    const std::shared_ptr<const sts::StoredPolicy>& policy) {
  if (state_.server.empty()) return;
  if (!policy) {
    adoptions_.erase(domain);
    note_forgotten(domain, clock_.wall());
    tell_forgotten(domain, clock_.wall());
    return;
  }
  const auto adoption = adoptions_.find(domain);
  if (adoption != adoptions_.end() && adoption->second.policy == policy) return;  // theirs
  forgotten_.erase(domain);
  const auto* record = book_.find(domain);
  tell(domain, policy, record ? record->entry.upkeep.used_at : WallTime{});
}

void Fleet::tell(const std::string& domain, const std::shared_ptr<const sts::StoredPolicy>& policy,
                 WallTime used_at) {
  if (!state_.connected) return;
  // Where too much waits to be sent it is lost; the next reading finds what is outdated.
  if (cache_.tell(
          {.domain = domain,
           .row = store::Row{.domain = domain, .policy = policy, .upkeep = {.used_at = used_at}},
           .forgotten_at = {}}))
    ++state_.told;
}

/// A step of the book; false if it does not fit into the queue now.
bool Fleet::offer_step() {
  const auto now = clock_.wall();
  bool is_taken = true;
  const auto after = book_.walk(next_offer_, kStep, [&](const auto& domain, Record& record) {
    const auto& stored = record.entry.stored;
    if (!is_taken || !stored || now >= stored->expires_at) return;
    is_taken = cache_.offer({.domain = domain,
                             .row = store::Row{.domain = domain,
                                               .policy = stored,
                                               .upkeep = {.used_at = record.entry.upkeep.used_at}},
                             .forgotten_at = {}});
  });
  if (is_taken) next_offer_ = after;
  return is_taken;
}

/// The book, a part at a time: what the server does not hold.
void Fleet::offer_some() {
  bool is_over = false;
  for (int step = 0; step < kSteps && !is_over && offer_step(); ++step) is_over = next_offer_ == 0;
  offer_timer_ =
      timers_.after(is_over ? base::milliseconds(kPause) : kTick, [this] { offer_some(); });
}

}  // namespace tlspolicyd::service
