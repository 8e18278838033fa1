#include <fmt/format.h>

#include <algorithm>

#include "event.h"
#include "oracle.h"

/// What the oracle concludes.
namespace tlspolicyd::property {

using base::milliseconds;
using base::seconds;

namespace {

// A fetched policy is applied after the disk's 5 s at the latest.
constexpr seconds kSettled{6};
constexpr seconds kRound{65};  // of the refresher
constexpr seconds kTombstone{30 * 86'400L};
constexpr seconds kHour{3600};
constexpr seconds kDay{86'400};

bool was_since(const std::optional<base::SteadyTime>& what, base::SteadyTime when) {
  return what && *what >= when;
}

}  // namespace

/// Draws what follows from the passing of time for what the service and the disk hold.
void Oracle::narrow(Known& known) const {
  if (known.last() >= 0) {
    const auto& newest = known.versions.back();
    if (newest.this_life && ran() >= newest.ran + kSettled) known.held = known.last();
  }
  if (disk_is_trusted()) known.durable = std::max(known.durable, known.held);
}

void Oracle::note_expiry(Known& known) const {
  const auto now = time_.wall();
  bool lapsed = false;
  bool by_wall = false;
  for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
    auto& version = known.versions[static_cast<std::size_t>(at)];
    if (now < version.expires_at_first) continue;
    lapsed = true;
    version.lapsed_at = std::min(now, version.lapsed_at.value_or(now));
    // A new process does not know that the clock was set.
    by_wall = by_wall || (version.restarted_since && now >= *version.lapsed_at + kTombstone);
  }
  if (!lapsed) {
    known.lapsed_at.reset();
    return;
  }
  if (!known.lapsed_at) known.lapsed_at = time_.steady();
  const bool by_steady = time_.steady() - *known.lapsed_at >= kTombstone - kHour;
  if (!by_steady && !by_wall) return;
  known.held = known.durable = Known::kNothing;
  for (auto& version : known.versions)
    // Gone for good, unless it is being saved: who waits for that is told so.
    if (now >= version.expires_at_first && ran() > version.ran + kSettled) {
      version.this_life = false;
      version.may_be_gone = true;
    }
  // What was noted of fetches goes with the policy.
  known.fetched_at.reset();
  known.failed_at.clear();
}

/// RFC 8461 10.2, with the default rules: a day or half of max_age, 10 % later at most, and a round
/// of the refresher.
void Oracle::check_refresh(Known& known, const std::string& domain) {
  if (known.disturbed || known.tried || known.last() < 0) return;
  const auto& version = known.versions.back();
  if (version.policy.max_age < seconds{1200}) return;
  auto pause = std::min(kDay, version.policy.max_age / 2);
  pause += pause / 10 + seconds{2};
  if (version.same_body) pause = std::max(pause, kHour + seconds{2});
  const auto now = time_.steady();
  if (now < version.at + pause || time_.wall() >= version.expires_at_first) return;
  if (!known.overdue) known.overdue = ran();
  if (!known.asked_at || now - *known.asked_at > 170 * kDay) return;
  if (known.txt_id && known.txt_id != version.id) return;
  // One that was not planned before it was overdue is spread over an hour.
  if (*known.overdue - version.ran < 2 * kRound) return;
  if (ran() - std::max(*known.overdue, known.asked_from) >= 2 * kRound)
    blame(fmt::format("{}: no refresh of a policy of {} s after {} s", domain,
                      version.policy.max_age.count(), (now - version.at) / seconds{1}));
}

void Oracle::look() {
  for (auto& [domain, known] : known_) {
    narrow(known);
    note_expiry(known);
    check_refresh(known, domain);
  }
  check_disk();
}

/// I3, I4: every row is a policy that was delivered; I5: no older one than must be there.
void Oracle::check_disk() {
  if (store_.writes() == writes_seen_) return;
  writes_seen_ = store_.writes();
  for (const auto& [domain, known] : known_)
    if (known.durable != Known::kNothing && !store_.held().contains(domain))
      blame(fmt::format("I5: the policy of {} is not on disk any more", domain));
  for (const auto& [domain, row] : store_.held()) {
    const auto& stored = *row.policy;
    const auto& known = known_[domain];
    const auto is_row = [&](const Version& version) {
      std::vector<std::string> patterns;
      for (const auto& pattern : stored.policy.mx) patterns.push_back(pattern.text());
      return version.policy == PolicyText{stored.policy.mode, stored.policy.max_age, patterns} &&
             version.fetched_at == stored.fetched_at &&
             version.expires_at_first <= stored.expires_at &&
             stored.expires_at <= version.expires_at_last &&
             (!version.id || version.id == stored.id);
    };
    const auto what = fmt::format("on disk for {}: id {}, fetched {}, expires {}", domain,
                                  stored.id, stored.fetched_at.time_since_epoch().count(),
                                  stored.expires_at.time_since_epoch().count());
    const auto from = known.versions.begin() + std::max(known.durable, 0);
    if (std::any_of(from, known.versions.end(), is_row)) continue;
    if (std::any_of(known.versions.begin(), from, is_row))
      blame("I5: older than must be " + what);
    else
      blame("I3: no policy that was delivered is " + what);
  }
}

void Oracle::answered(const Question& question, std::string_view reply) {
  auto& known = known_[kDomains[question.domain]];
  pending_.erase(question.number);
  narrow(known);
  note_expiry(known);
  // Newly published policies are looked for at least once an hour (RFC 8461 5.1).
  if (!known.txt_may_be_old && !was_since(known.txt_looked_at, question.began - kHour - seconds{1}))
    blame(fmt::format("\"{}\" without a look at the TXT record for more than an hour", reply));
  constexpr std::string_view kTemp = "TEMP ";
  if (reply == "OK dane-only") {
    check_dane_only(question, known);
  } else if (reply.starts_with("OK ")) {
    check_secure(question, known, reply.substr(3));
  } else if (reply == "NOTFOUND ") {
    check_not_found(question, known);
  } else if (reply.starts_with(kTemp)) {
    if (reply.size() > kTemp.size() + 200 ||
        reply.find(kDomains[question.domain]) == std::string_view::npos)
      blame(fmt::format("I6: \"{}\" does not name the domain in 200 bytes", reply));
    check_temporary(question, known);
  } else {
    blame(fmt::format("I6: \"{}\" is no reply", reply));
  }
}

void Oracle::check_secure(const Question& question, Known& known, std::string_view text) {
  const auto& domain = kDomains[question.domain];
  const auto told = postfix::parse_tls_policy(text);
  if (!told) return blame(fmt::format("I6: Postfix refuses \"{}\": {}", text, told.error().text));
  const auto now = time_.wall();
  const auto any_mx = [&](const auto& holds) {
    return std::any_of(known.mx.begin(), known.mx.end(),
                       [&](const MxSeen& mx) { return may_use(mx, question) && holds(mx); });
  };
  const auto says_so = [&](const Version& version, bool past_the_gate) {
    if (now >= version.expires_at_last || !version.is_enforced(question.testing_enforced))
      return false;
    const bool passed = past_the_gate || gate_may_say(Governs::sts, question, known);
    if (question.by_patterns) return passed && *told == by_patterns(version.policy, domain);
    if (question.bracketed) return passed && *told == by_only_name(version.policy, domain);
    return any_mx([&](const MxSeen& mx) {
      // That nothing fits is said only of an answer that was asked for since (decisions.md 27).
      const bool may_say = allows_one(version.policy, mx.hosts) || mx.asked >= question.began;
      return may_say &&
             is_by_names(*told, version.policy, mx.hosts,
                         known.hosts_of_last_day(time_.steady())) &&
             (past_the_gate || gate_may_say(Governs::sts, question, mx));
    });
  };
  bool not_by_dane = true;
  for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
    const auto& version = known.versions[static_cast<std::size_t>(at)];
    if (says_so(version, false)) return applied(known, at);
    if (says_so(version, true)) not_by_dane = false;
  }
  blame(fmt::format("{}: \"{}\" follows from no policy in force; {}",
                    not_by_dane ? "I2" : "I11, the gate's table", text, state_of(question.domain)));
}

/// What was answered is on disk, if the disk works (decisions.md 17).
void Oracle::applied(Known& known, int version) const {
  // A look-up that began before it was forgotten goes on with it.
  if (known.versions[static_cast<std::size_t>(version)].may_be_gone) return;
  known.held = version;
  if (disk_is_trusted()) known.durable = std::max(known.durable, version);
}

void Oracle::check_not_found(const Question& question, const Known& known) {
  const auto now = time_.wall();
  // A policy that was fetched in this life is applied, or being saved; neither gives NOTFOUND.
  const auto* newest = known.last() >= 0 ? &known.versions.back() : nullptr;
  const bool binds = newest && newest->this_life &&
                     newest->is_enforced(question.testing_enforced) &&
                     now < newest->expires_at_first;
  bool allowed = false;
  bool asks_for_nothing = false;
  for (int at = known.held; at <= known.last(); ++at) {
    if (at == Known::kNothing) {
      allowed = allowed || !binds;
      continue;
    }
    const auto& version = known.versions[static_cast<std::size_t>(at)];
    if (now >= version.expires_at_first) {
      allowed = allowed || !binds || at == known.last();
    } else if (!version.is_enforced(question.testing_enforced)) {
      allowed = asks_for_nothing = true;
    }
  }
  if (!allowed) return blame("I1: NOTFOUND; " + state_of(question.domain));
  if (!asks_for_nothing && known.ended_in_own_trouble && known.txt_asked == 0 && !known.fetching)
    blame("I7: own trouble gave NOTFOUND; " + state_of(question.domain));
}

void Oracle::check_temporary(const Question& question, const Known& known) {
  const auto now = time_.wall();
  bool may_not = known.held == Known::kNothing;
  bool saving = false;
  for (int at = std::max(known.held, 0); at <= known.last(); ++at) {
    const auto& version = known.versions[static_cast<std::size_t>(at)];
    may_not = may_not || now >= version.expires_at_first;
    saving = saving || (version.this_life && ran() <= version.ran + kSettled);
  }
  if (enforces_now(known, question)) {
    if (needs_mx(question) && was_since(known.mx_failed_at, question.began)) return;  // D13
    if (gate_may_say(Governs::temporary, question, known)) return;
  }
  // A look-up that ended so is shared by those who came while it lasted.
  if (may_not && was_since(known.own_trouble_at, question.began - seconds{15})) return;
  if (may_not && saving) return;
  blame("I7: TEMP without cause; " + state_of(question.domain));
}

std::string Oracle::state_of(std::size_t domain) const {
  const auto& known = known_.at(kDomains[domain]);
  auto text = fmt::format("{} at {}, held {} of", kDomains[domain],
                          time_.wall().time_since_epoch().count(), known.held);
  for (const auto& version : known.versions)
    text += fmt::format(" [{} id {} {}..{}]", sts::name_of(version.policy.mode),
                        version.id.value_or("?"), version.fetched_at.time_since_epoch().count(),
                        version.expires_at_last.time_since_epoch().count());
  return text;
}

}  // namespace tlspolicyd::property
