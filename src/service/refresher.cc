#include "service/refresher.h"

#include "service/policy_log.h"

namespace tlspolicyd::service {
namespace {

constexpr double kShare =
    static_cast<double>(Refresher::kTick.count()) / static_cast<double>(Refresher::kRound.count());

}  // namespace

Refresher::Refresher(const Outside& outside, Book& book, PolicyService& service,
                     sts::RefreshRules rules, std::uint64_t seed)
    : outside_(outside),
      book_(book),
      service_(service),
      rules_(rules),
      dice_(seed),
      clock_watch_(outside.clock) {
  timer_ = outside_.timers.after(kTick, [this] { tick(); });
}

void Refresher::tick() {
  timer_ = outside_.timers.after(kTick, [this] { tick(); });
  watch_clock();
  look_on(placed_, &Book::walk);
  look_on(unplaced_, &Book::walk_unplaced);
  outside_.keeper.remove_left();
}

void Refresher::look_on(Round& round, Walk walk) {
  // Where a part holds more overdue policies than may be refreshed at once, it is looked at again.
  if (*round.under_way >= round.at_once) return;
  Chores chores;
  const auto now = outside_.clock.wall();
  const bool has_places = &round == &placed_;
  const auto after =
      (book_.*walk)(round.next, kShare, [&](const std::string& domain, Record& record) {
        if (has_places) book_.drop_ended_answers(record, now, outside_.clock.steady());
        if (record.entry.stored) look_at(domain, record, chores);
        if (!has_places && is_unexpired_enforce(record.entry, now)) chores.settle.push_back(domain);
      });
  if (*round.under_way + chores.refresh.size() <= round.at_once) round.next = after;
  do_chores(chores, round);
}

void Refresher::watch_clock() {
  const auto jump = clock_watch_.look();
  if (!jump) return;
  clock_set_at_ = outside_.clock.wall();
  // By the other clock, which stands still while the machine sleeps, they would hold still.
  book_.forget_answers();
  outside_.dane.forget_findings();
  outside_.log.warning("the clock was set, or the machine slept",
                       {{"by_seconds", jump->count()}, {"policies", book_.policies()}});
}

void Refresher::look_at(const std::string& domain, Record& record, Chores& chores) {
  const auto now = outside_.clock.wall();
  const double dice = std::uniform_real_distribution<double>(0, 1)(dice_);
  auto& entry = record.entry;
  const auto attention = sts::look_after(entry, now, rules_, dice, clock_set_at_);
  if (attention.forget) {
    chores.forget.push_back(domain);
    return;
  }
  if (attention.refresh) chores.refresh.push_back(domain);
  if (attention.changed)
    chores.reconsider.push_back(domain);
  else if (entry.upkeep.used_at >= record.used_noted + kUseNoted)
    chores.note.push_back(domain);
  switch (attention.notice) {
    case sts::Attention::Notice::none: break;
    case sts::Attention::Notice::expiring: log_expiring(outside_.log, domain, entry, now); break;
    case sts::Attention::Notice::expired: log_expired(outside_.log, domain, entry); break;
  }
}

void Refresher::do_chores(const Chores& chores, Round& round) {
  for (const auto& domain : chores.forget) {
    outside_.log.debug("expired policy forgotten", {{"domain", domain}});
    outside_.keeper.forget(domain);
  }
  for (const auto& domain : chores.reconsider) {
    book_.reconsider(domain, outside_.clock.wall());
    outside_.keeper.note(domain);
  }
  for (const auto& domain : chores.note) outside_.keeper.note(domain);
  for (const auto& domain : chores.settle) outside_.keeper.settle(domain);
  for (const auto& domain : chores.refresh) {
    if (*round.under_way >= round.at_once) break;
    refresh(domain, round);
  }
}

void Refresher::refresh(const std::string& text, Round& round) {
  const auto domain = base::DomainName::parse(text);
  if (domain && service_.refresh(*domain, [running = round.under_way] { --*running; }))
    ++*round.under_way;
}

}  // namespace tlspolicyd::service
