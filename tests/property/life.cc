#include "life.h"

#include <fmt/format.h>

#include <array>

namespace tlspolicyd::property {

using base::seconds;
using base::WallTime;

namespace {

using Txt = Step::Txt;
using Fetch = Step::Fetch;

constexpr WallTime kBeginning{seconds{1'800'000'000}};

constexpr std::array kTxtWords{"id a",    "id b",  "none",       "none, denied by DNSSEC",
                               "several", "error", "own trouble"};
constexpr std::array kFetchWords{"fails",          "own trouble",    "enforce 7 days",
                                 "enforce 1200 s", "testing 7 days", "none 7 days",
                                 "enforce 0 s"};

sts::Policy policy_of(Fetch fetch) {
  static const auto pattern = sts::MxPattern::parse("*.walk.test").value();
  const auto make = [](sts::Mode mode, long max_age) {
    return sts::Policy{mode, seconds{max_age}, {pattern}, "vmax"};
  };
  switch (fetch) {
    case Fetch::brief: return make(sts::Mode::enforce, 1'200);
    case Fetch::testing: return make(sts::Mode::testing, 604'800);
    case Fetch::none: return make(sts::Mode::none, 604'800);
    case Fetch::zero: return make(sts::Mode::enforce, 0);
    default: return make(sts::Mode::enforce, 604'800);
  }
}

base::Error own_trouble() { return {base::Fault::dns_unreachable, "no name server"}; }

sts::Event event_of(Txt txt) {
  constexpr seconds kTtl{300};
  switch (txt) {
    case Txt::id_a: return sts::TxtFound{"a", kTtl};
    case Txt::id_b: return sts::TxtFound{"b", kTtl};
    case Txt::none: return sts::TxtAbsent{sts::Absence::no_record, kTtl};
    case Txt::denied: return sts::TxtAbsent{sts::Absence::no_record, kTtl, true};
    case Txt::several: return sts::TxtAbsent{sts::Absence::several_records, kTtl};
    case Txt::error: return sts::TxtFailed{{base::Fault::dns_failed, "SERVFAIL"}};
    case Txt::own_trouble: return sts::TxtFailed{own_trouble()};
  }
  return sts::RefreshBegun{};
}

std::size_t number_of(const std::string& id) { return id == "a" ? 0 : 1; }

}  // namespace

std::string Step::text() const {
  const auto outcome =
      fmt::format("TXT {}, fetch if any: {}", kTxtWords[static_cast<std::size_t>(txt)],
                  kFetchWords[static_cast<std::size_t>(fetch)]);
  switch (kind) {
    case Kind::ask: return "asked; " + outcome;
    case Kind::look: return "looked after; " + outcome;
    case Kind::pass: return fmt::format("{} s pass", amount);
    case Kind::set_clock: return fmt::format("the clock is set: wrong by {} s", amount);
    case Kind::restart: return "killed and started";
  }
  return "";
}

std::vector<Step> Alphabet::steps() const {
  std::vector<Step> all;
  for (const auto kind : {Step::Kind::ask, Step::Kind::look}) {
    for (const auto& one : txt)
      for (const auto& other : fetch)
        all.push_back({kind, one, other, 0, one == txt.front() && other == fetch.front()});
  }
  for (const auto time : times) all.push_back({.kind = Step::Kind::pass, .amount = time});
  if (sets_clock)
    for (const auto wrong : {Step::back, Step::right, Step::ahead})
      all.push_back({.kind = Step::Kind::set_clock, .amount = wrong});
  all.push_back({.kind = Step::Kind::restart});
  return all;
}

WallTime DomainLife::wall() const { return kBeginning + seconds{now_ + clock_error_}; }

void DomainLife::blame(std::string what) {
  if (wrong_.empty()) wrong_ = std::move(what);
}

bool DomainLife::may_differ(const Step& step) const {
  switch (step.kind) {
    case Step::Kind::ask: {
      const bool fetches = step.txt == Txt::id_a || step.txt == Txt::id_b;
      return step.is_first || (entry_.is_due(wall()) && (fetches || step.fetch == Fetch::fail));
    }
    case Step::Kind::look: return entry_.stored && (step.is_first || entry_.is_valid(wall()));
    case Step::Kind::set_clock: return step.amount != clock_error_;
    default: return true;
  }
}

DomainLife::Outcome DomainLife::take(const Step& step) {
  fetched_ = false;
  bool is_own = true;  // not the same as another step
  switch (step.kind) {
    case Step::Kind::ask: is_own = ask(step); break;
    case Step::Kind::look: is_own = look(step); break;
    case Step::Kind::pass: now_ += step.amount; break;
    case Step::Kind::set_clock:
      clock_error_ = step.amount;
      clock_set_at_ = wall();
      model_.clock_is_set(now_);
      break;
    case Step::Kind::restart: restart(); break;
  }
  if (!is_own) return Outcome::same_as_another;
  blame(model_.compare(entry_, wall()));
  blame(model_.refresh_comes(entry_, wall(), clock_set_at_));
  return Outcome::went_on;
}

/// As PolicyService does for a question.
bool DomainLife::ask(const Step& step) {
  const bool due = entry_.is_due(wall());
  if (!due && !step.is_first) return false;
  entry_.upkeep.used_at = wall();
  blame(model_.asked(due, now_, wall()));
  return !due || learn(step, false);
}

/// As Refresher does once a minute.
bool DomainLife::look(const Step& step) {
  const auto attention = sts::look_after(entry_, wall(), {}, 0.5, clock_set_at_);
  if (!attention.refresh && !step.is_first) return false;
  blame(model_.looked(attention, now_, wall()));
  if (attention.notice == sts::Attention::Notice::expired) blame(model_.alert(now_, wall()));
  if (attention.forget) entry_ = {};
  if (!attention.refresh) return true;
  sts::advance(entry_, sts::RefreshBegun{}, wall());
  return learn(step, true);
}

/// As Discovery does; false if no fetch was asked for and another step says the same.
bool DomainLife::learn(const Step& step, bool refreshes) {
  const auto event = event_of(step.txt);
  const auto next = sts::advance(entry_, event, wall());
  const auto* found = std::get_if<sts::TxtFound>(&event);
  model_.denied = step.txt == Txt::denied;
  const bool fails = step.txt == Txt::error;
  model_.txt_failed = fails ? now_ : Model::kNever;
  if (step.txt == Txt::own_trouble) {
    model_.txt_answered = Model::kNever;
    if (refreshes) {
      sts::advance(entry_, sts::FetchFailed{entry_.stored->id, own_trouble()}, wall());
      model_.fetch_fails(0, true, now_);
      alert();
    }
  } else if (!fails) {
    model_.txt_answered = now_;
  }
  if (found) blame(model_.found(number_of(found->id), next == sts::Next::fetch, now_, wall()));
  if (next == sts::Next::fetch) {
    fetch(found->id, step.fetch);
  } else if (refreshes && step.txt != Txt::own_trouble &&
             (!found || found->id == entry_.stored->id) &&
             entry_.may_fetch(entry_.stored->id, wall())) {
    fetch(entry_.stored->id, step.fetch);
  }
  return fetched_ || step.fetch == Fetch::fail;
}

void DomainLife::fetch(const std::string& id, Fetch outcome) {
  fetched_ = true;
  blame(model_.fetch_begins(number_of(id), now_));
  sts::advance(entry_, sts::FetchBegun{}, wall());
  if (outcome == Fetch::fail || outcome == Fetch::own_trouble) {
    const bool own = outcome == Fetch::own_trouble;
    sts::advance(
        entry_,
        sts::FetchFailed{id, own ? own_trouble() : base::Error{base::Fault::tls, "refused"}},
        wall());
    model_.fetch_fails(number_of(id), own, now_);
    return alert();
  }
  const auto policy = policy_of(outcome);
  auto renewed = sts::renewal(entry_, id, policy, wall());
  blame(model_.policy_comes(renewed, policy, id, wall()));
  sts::advance(entry_,
               sts::PolicyFetched{std::make_shared<const sts::StoredPolicy>(std::move(renewed))},
               wall());
}

void DomainLife::alert() {
  if (sts::raises_alert(entry_, wall())) blame(model_.alert(now_, wall()));
}

/// As Book::restore does with what is on disk.
void DomainLife::restart() {
  sts::Entry fresh;
  if (entry_.stored) {
    fresh.stored = entry_.stored;
    fresh.upkeep = entry_.upkeep;
  }
  entry_ = std::move(fresh);
  clock_set_at_ = {};
  model_.restart();
}

}  // namespace tlspolicyd::property
