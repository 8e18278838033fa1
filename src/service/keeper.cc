#include "service/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tlspolicyd::service {
namespace {

using base::Error;

// Rows written at a time when there is much to write.
constexpr std::size_t kBatch = 1000;

}  // namespace

/// Whoever waits for a policy to be durable. The write goes on without it.
class Keeper::Keeping final : public base::Operation {
 public:
  Keeping(Keeper& keeper, std::string domain, std::function<void(bool)> kept)
      : keeper_(keeper), domain_(std::move(domain)), kept_(std::move(kept)) {}
  ~Keeping() override {
    const auto pending = keeper_.pending_.find(domain_);
    if (pending != keeper_.pending_.end() && pending->second.waiting == this)
      pending->second.waiting = nullptr;
  }

  void wait() {
    timer_ = keeper_.timers_.after(kPatience, [this] {
      keeper_.begin_failing(fmt::format("no answer from the disk for {} s", kPatience.count()));
      tell(false);
    });
  }
  void tell_soon(bool durable) {
    timer_ = keeper_.timers_.after(base::milliseconds{0}, [this, durable] { tell(durable); });
  }
  void tell(bool durable) {
    const auto kept = std::move(kept_);
    timer_.reset();  // once told, it is over, whether it is destroyed now or later
    kept(durable);   // may destroy this
  }

 private:
  Keeper& keeper_;
  std::string domain_;
  std::function<void(bool)> kept_;
  base::OperationPtr timer_;
};

/// Whoever waits for a policy to be forgotten. The write goes on without it.
class Keeper::Forgetting final : public base::Operation {
 public:
  Forgetting(base::Timers& timers, std::function<void(bool)> forgotten)
      : forgotten_(std::make_shared<std::function<void(bool)>>(std::move(forgotten))),
        timers_(timers) {
    tell_after(kPatience);
  }
  ~Forgetting() override { *forgotten_ = nullptr; }

  void tell_after(base::milliseconds pause) {
    timer_ = timers_.after(pause, [told = teller()] { told(false); });
  }
  /// Tells whoever waits still, once; may outlive this.
  std::function<void(bool)> teller() const {
    return [waiting = forgotten_](bool durable) {
      if (const auto told = std::exchange(*waiting, nullptr)) told(durable);
    };
  }

 private:
  std::shared_ptr<std::function<void(bool)>> forgotten_;
  base::Timers& timers_;
  base::OperationPtr timer_;
};

Keeper::Keeper(store::Store& store, Book& book, base::Clock& clock, base::Timers& timers,
               const base::Log& log)
    : store_(store), book_(book), clock_(clock), timers_(timers), log_(log) {
  store_.on_reopened([this](store::Contents contents) { on_reopened(std::move(contents)); });
}

Keeper::~Keeper() { store_.on_reopened(nullptr); }

void Keeper::take_up(store::Contents contents) {
  for (const auto& loss : contents.losses) log_.error("cache file", {{"trouble", loss}});
  std::size_t left_out = 0;
  for (auto& row : contents.rows) {
    const auto domain = base::DomainName::parse(row.domain);
    if (!domain) continue;
    const auto* known = book_.find(row.domain);
    if (known && known->entry.stored && known->entry.stored->fetched_at >= row.policy->fetched_at)
      continue;
    const auto place = book_.restore(*domain, std::move(row.policy), row.upkeep, clock_.wall());
    const auto* found = book_.find(row.domain);
    if (!found || !found->entry.stored) ++left_out;
    left_out +=
        static_cast<std::size_t>(std::count_if(place.displaced.begin(), place.displaced.end(),
                                               [](const auto& left) { return !left.enforced; }));
  }
  // Their rows stay: with more memory they are read again.
  left_out += book_.take_left().size();
  if (left_out > 0)
    log_.error("policies not loaded: cache.memory is too small",
               {{"policies", left_out},
                {"bytes", book_.bytes(Book::Part::policies)},
                {"hint", "raise cache.memory and restart"}});
}

base::OperationPtr Keeper::keep(const base::DomainName& domain,
                                std::shared_ptr<const sts::StoredPolicy> policy,
                                std::function<void(bool)> kept) {
  const auto& name = domain.text();
  const auto* known = book_.find(name);
  const bool had_none = known && known->entry.stored && !book_.is_placed(name);
  auto place = book_.admit(domain, policy->policy, clock_.wall());
  auto keeping = std::make_unique<Keeping>(*this, name, std::move(kept));
  if (!place.displaced.empty()) log_displaced(place.displaced, name);
  if (!place.kept && !had_none) no_place(name);
  remove_left();
  if (!book_.has_row(name)) {
    for (const auto& displaced : place.displaced) note(displaced.domain);
    keeping->tell_soon(false);
    return keeping;
  }
  std::vector<store::Change> changes;
  std::vector<std::string> displaced;
  forgotten_.erase(name);
  for (auto& [left, enforced] : place.displaced) {
    if (enforced) continue;
    unsaved_.erase(left);
    changes.push_back({left, std::nullopt});
    displaced.push_back(std::move(left));
  }
  auto& record = book_.open(domain);
  const auto upkeep = record.entry.upkeep.fetched();
  record.used_noted = upkeep.used_at;
  changes.push_back({name, store::Row{name, std::move(policy), upkeep}});
  if (news_) news_(name, changes.back().row->policy);
  // An older write for the same domain goes on, but its outcome matters no more.
  auto& pending = pending_[name];
  if (pending.waiting) pending.waiting->tell_soon(false);
  pending.waiting = keeping.get();
  pending.write = store_.write(std::move(changes),
                               [this, name, displaced = std::move(displaced)](const auto& error) {
                                 // An evicted policy would be there again after a restart.
                                 if (error) unsaved_.insert(displaced.begin(), displaced.end());
                                 on_kept(name, error);
                               });
  if (state_.failing) {
    keeping->tell_soon(false);
  } else {
    keeping->wait();
  }
  return keeping;
}

void Keeper::on_kept(const std::string& domain, const std::optional<Error>& error) {
  auto pending = pending_.extract(domain);
  auto* waiting = pending.mapped().waiting;
  if (error) {
    unsaved_.insert(domain);
    ++state_.failures;
    begin_failing(error->text);
  } else {
    unsaved_.erase(domain);
    succeed();
  }
  if (waiting) waiting->tell(!error);
}

void Keeper::note(const std::string& domain) {
  // What never had a place is not on disk.
  const auto* record = book_.find(domain);
  if (record && record->entry.stored && !book_.has_row(domain)) return;
  write_soon({domain});
}

void Keeper::write_soon(const std::vector<std::string>& domains) {
  if (state_.failing) {
    unsaved_.insert(domains.begin(), domains.end());
  } else {
    write_rows(domains);
  }
}

void Keeper::settle(const std::string& domain) {
  if (pending_.contains(domain)) return;
  const auto place = book_.settle(domain, clock_.wall());
  if (!place.displaced.empty()) log_displaced(place.displaced, domain);
  for (const auto& left : place.displaced) note(left.domain);
  if (place.kept) note(domain);
}

void Keeper::remove_left() {
  auto left = book_.take_left();
  if (left.empty()) return;
  left_ += left.size();
  if (left_said_ == base::SteadyTime{} || clock_.steady() >= left_said_ + kReminder) {
    left_said_ = clock_.steady();
    log_.warning("policy forgotten: no memory for policies without a place",
                 {{"domain", left.front()},
                  {"unplaced", book_.unplaced()},
                  {"bytes", book_.bytes(Book::Part::unplaced)},
                  {"forgotten_total", left_},
                  {"hint", "raise cache.policies or cache.memory"}});
  }
  // Some may have been fetched again since.
  std::erase_if(left, [this](const auto& domain) { return book_.has_row(domain); });
  if (!left.empty()) write_soon(left);
}

void Keeper::forget(const std::string& domain) {
  // A newer policy is on its way: its place is not given away under it.
  if (pending_.contains(domain)) return;
  book_.forget(domain);
  forgotten_.insert(domain);
  note(domain);
}

base::OperationPtr Keeper::forget(const std::string& domain, std::function<void(bool)> forgotten) {
  if (pending_.contains(domain)) return nullptr;
  book_.forget(domain);
  forgotten_.insert(domain);
  if (news_) news_(domain, nullptr);
  auto forgetting = std::make_unique<Forgetting>(timers_, std::move(forgotten));
  if (state_.failing) {
    unsaved_.insert(domain);
    forgetting->tell_after(base::milliseconds{0});
  } else {
    write_rows({domain}, forgetting->teller());
  }
  return forgetting;
}

/// Writes what the book knows of these domains, and that it knows nothing, where it does not.
void Keeper::write_rows(const std::vector<std::string>& domains, std::function<void(bool)> told) {
  std::vector<store::Change> changes;
  std::vector<std::string> written;
  std::vector<std::string> removed;
  for (const auto& domain : domains) {
    // A newer policy is on its way to the disk and then to the book: it must not be overtaken.
    if (pending_.contains(domain)) continue;
    changes.push_back(row_of(domain));
    written.push_back(domain);
    if (!changes.back().row) removed.push_back(domain);
  }
  if (written.empty() && !domains.empty()) return;
  const auto note = notes_.emplace(notes_.end());
  *note = store_.write(std::move(changes),
                       [this, note, written, removed, told = std::move(told)](const auto& error) {
                         // Forgetting the operation destroys this closure.
                         auto& keeper = *this;
                         const auto domains_written = written;
                         if (!error)
                           for (const auto& domain : removed) keeper.forgotten_.erase(domain);
                         const std::optional<Error> outcome = error;
                         const auto tell = told;
                         keeper.notes_.erase(note);
                         keeper.on_written(domains_written, outcome);
                         tell(!outcome);
                       });
}

store::Change Keeper::row_of(const std::string& domain) {
  auto* record = book_.find(domain);
  if (!record || !record->entry.stored || !book_.has_row(domain)) return {domain, std::nullopt};
  record->used_noted = record->entry.upkeep.used_at;
  return {domain, store::Row{domain, record->entry.stored, record->entry.upkeep}};
}

void Keeper::on_written(const std::vector<std::string>& domains,
                        const std::optional<Error>& error) {
  if (error) {
    unsaved_.insert(domains.begin(), domains.end());
    ++state_.failures;
    begin_failing(error->text);
    return;
  }
  for (const auto& domain : domains) {
    // What was forgotten since was written once more by this.
    if (forgotten_.contains(domain)) {
      unsaved_.insert(domain);
    } else {
      unsaved_.erase(domain);
    }
  }
  succeed();
  if (!unsaved_.empty()) retry_later();
}

/// The store was lost and is there again, perhaps with another file: what it does not hold as the
/// book does is written anew.
void Keeper::on_reopened(store::Contents contents) {
  std::erase_if(contents.rows, [this](const auto& row) { return forgotten_.contains(row.domain); });
  std::unordered_map<std::string, std::shared_ptr<const sts::StoredPolicy>> held;
  for (const auto& row : contents.rows) held[row.domain] = row.policy;
  take_up(std::move(contents));
  const auto compare = [&](const std::string& domain, const Record& record) {
    if (!record.entry.stored || !record.has_row) return;
    const auto found = held.find(domain);
    if (found == held.end() || *found->second != *record.entry.stored) unsaved_.insert(domain);
  };
  book_.walk(0, 1, compare);
  book_.walk_unplaced(0, 1, compare);
  log_.warning("cache file opened again", {{"held", held.size()}, {"unsaved", unsaved_.size()}});
  if (!unsaved_.empty()) retry_later();
}

void Keeper::begin_failing(const std::string& why) {
  state_.why = why;
  const bool begins = !std::exchange(state_.failing, true);
  if (begins) state_.since = clock_.wall();
  if (begins || clock_.steady() >= reminded_ + kReminder) {
    reminded_ = clock_.steady();
    log_.error("policies cannot be saved: a restart would forget them",
               {{"why", why},
                {"unsaved", unsaved_.size()},
                {"since", (clock_.wall() - state_.since).count()}});
  }
  retry_later();
}

void Keeper::succeed() {
  if (!state_.failing || !unsaved_.empty()) return;
  state_.failing = false;
  log_.warning("policies are saved again", {{"after", (clock_.wall() - state_.since).count()}});
}

void Keeper::retry_later() {
  if (!retry_timer_) retry_timer_ = timers_.after(kRetry, [this] { retry(); });
}

void Keeper::retry() {
  retry_timer_.reset();
  // A disk that has not answered yet gets nothing more to do.
  if (!notes_.empty()) return retry_later();
  std::vector<std::string> some;
  for (const auto& domain : unsaved_) {
    if (some.size() == kBatch) break;
    some.push_back(domain);
  }
  // With nothing to write it asks whether the disk works.
  if (state_.failing || !some.empty()) write_rows(some);
  if (state_.failing || unsaved_.size() > some.size()) retry_later();
}

void Keeper::no_place(const std::string& domain) {
  ++state_.unplaced;
  state_.unplaced_at = clock_.wall();
  const bool first = state_.unplaced == 1;
  if (!first && clock_.steady() < no_place_said_ + kReminder) return;
  no_place_said_ = clock_.steady();
  log_.warning("no place for a new policy: it is applied while it lasts in memory",
               {{"domain", domain},
                {"policies", book_.policies()},
                {"bytes", book_.bytes(Book::Part::policies)},
                {"so_far", state_.unplaced},
                {"hint", "raise cache.policies or cache.memory"}});
}

/// Policies had to leave for that of `newcomer`.
void Keeper::log_displaced(const std::vector<Book::Displaced>& displaced,
                           const std::string& newcomer) {
  const auto enforced = std::find_if(displaced.begin(), displaced.end(),
                                     [](const auto& left) { return left.enforced; });
  state_.displaced += displaced.size();
  if (enforced == displaced.end()) return;
  state_.displaced_enforced += static_cast<std::size_t>(std::count_if(
      displaced.begin(), displaced.end(), [](const auto& left) { return left.enforced; }));
  state_.unplaced_at = clock_.wall();
  if (displaced_said_ != base::SteadyTime{} && clock_.steady() < displaced_said_ + kReminder)
    return;
  displaced_said_ = clock_.steady();
  log_.warning("enforce policy evicted: cache full",
               {{"domain", enforced->domain},
                {"new_domain", newcomer},
                {"policies", book_.policies()},
                {"bytes", book_.bytes(Book::Part::policies)},
                {"evicted_total", state_.displaced_enforced},
                {"hint", "raise cache.policies or cache.memory"}});
}

Keeper::State Keeper::state() const {
  auto state = state_;
  state.unsaved = unsaved_.size();
  return state;
}

}  // namespace tlspolicyd::service
