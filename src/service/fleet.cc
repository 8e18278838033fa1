#include "service/fleet.h"

#include <algorithm>
#include <utility>

#include "service/policy_log.h"
#include "sts/adoption.h"

namespace tlspolicyd::service {
namespace {

using base::WallTime;

constexpr double kShare = static_cast<double>(Fleet::kTick.count()) /
                          static_cast<double>(base::milliseconds(Fleet::kRound).count());

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
  offer_timer_.reset();
}

void Fleet::on_connected() {
  state_.connected = true;
  state_.why.clear();
  state_.since = clock_.wall();
  away_said_ = {};
  log_.info("shared cache connected", {{"server", state_.server}});
  next_offer_ = 0;
  offer_some();
}

void Fleet::on_away(const std::string& why) {
  offer_timer_.reset();
  const bool begins = std::exchange(state_.connected, false);
  if (begins) state_.since = clock_.wall();
  state_.why = why;
  const auto now = clock_.steady();
  if (!begins && away_said_ != base::SteadyTime{} && now < away_said_ + kReminder) return;
  away_said_ = now;
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
  unheard_[word.domain] = std::move(word);
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
  if (refusal_said_ != base::SteadyTime{} && now < refusal_said_ + kReminder) return;
  refusal_said_ = now;
  log_.warning("what the shared cache holds is not taken up",
               {{"domain", domain}, {"why", why}, {"so_far", state_.refused}});
}

void Fleet::consider(const store::Row& row) {
  const auto domain = base::DomainName::parse(row.domain);
  if (!domain) return;
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
  auto& adoption = adoptions_[name];
  adoption.policy = row.policy;
  adoption.keeping = keeper_.keep(
      domain, row.policy, [this, domain, policy = row.policy, used_at = row.upkeep.used_at](bool) {
        // Erasing it destroys this closure.
        auto& fleet = *this;
        const auto taken = policy;
        const auto of = domain;
        const auto last_used = used_at;
        fleet.adoptions_.erase(of.text());
        fleet.enter(of, taken, last_used);
      });
}

void Fleet::enter(const base::DomainName& domain,
                  const std::shared_ptr<const sts::StoredPolicy>& policy, WallTime used_at) {
  const auto now = clock_.wall();
  if (!book_.is_placed(domain.text())) {
    ++state_.unplaced;
    return;
  }
  auto& entry = book_.open(domain).entry;
  // Meanwhile this node may have fetched a newer one.
  if (sts::judge(entry, *policy, now) != sts::Offer::better) return;
  log_adopted(log_, domain, entry.stored.get(), *policy);
  book_.advance(domain, sts::PolicyFetched{policy, true}, now);
  entry.upkeep.used_at = std::max(entry.upkeep.used_at, std::min(used_at, now));
  ++state_.adopted;
}

void Fleet::forget(const store::Word& word) {
  const auto now = clock_.wall();
  if (word.forgotten_at > now + sts::kClockSkew)
    return refuse(1, word.domain, "forgotten in the future: are the clocks of all nodes right?");
  auto* record = book_.find(word.domain);
  if (!record || !record->entry.stored) return;
  const auto stored = record->entry.stored;
  if (stored->fetched_at > word.forgotten_at)
    return tell(word.domain, stored, record->entry.upkeep.used_at);
  log_.warning("policy forgotten: an operator had another node forget it",
               {{"domain", word.domain}, {"id", stored->id}});
  keeper_.forget(word.domain);
  ++state_.forgotten;
}

/// Of this node: a policy that is being saved, or one that its operator had forgotten.
void Fleet::on_news(const std::string& domain,
                    const std::shared_ptr<const sts::StoredPolicy>& policy) {
  if (state_.server.empty()) return;
  if (!policy) {
    adoptions_.erase(domain);
    cache_.tell({.domain = domain, .row = std::nullopt, .forgotten_at = clock_.wall()});
    return;
  }
  const auto adoption = adoptions_.find(domain);
  if (adoption != adoptions_.end() && adoption->second.policy == policy) return;  // theirs
  const auto* record = book_.find(domain);
  tell(domain, policy, record ? record->entry.upkeep.used_at : WallTime{});
}

void Fleet::tell(const std::string& domain, const std::shared_ptr<const sts::StoredPolicy>& policy,
                 WallTime used_at) {
  if (!state_.connected) return;
  // Where too much waits to be sent, the next round offers it.
  if (cache_.tell(
          {.domain = domain,
           .row = store::Row{.domain = domain, .policy = policy, .upkeep = {.used_at = used_at}},
           .forgotten_at = {}}))
    ++state_.told;
}

/// The book, a part at a time: what the server does not hold.
void Fleet::offer_some() {
  const auto now = clock_.wall();
  bool is_taken = true;
  const auto after =
      book_.walk(next_offer_, kShare, [&](const std::string& domain, Record& record) {
        const auto& stored = record.entry.stored;
        if (!is_taken || !stored || now >= stored->expires_at) return;
        is_taken =
            cache_.offer({.domain = domain,
                          .row = store::Row{.domain = domain,
                                            .policy = stored,
                                            .upkeep = {.used_at = record.entry.upkeep.used_at}},
                          .forgotten_at = {}});
      });
  if (is_taken) next_offer_ = after;
  const bool is_over = is_taken && after == 0;
  offer_timer_ =
      timers_.after(is_over ? base::milliseconds(kPause) : kTick, [this] { offer_some(); });
}

}  // namespace tlspolicyd::service
