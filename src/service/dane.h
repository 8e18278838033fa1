#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dane/verdict.h"
#include "service/dane_hosts.h"
#include "service/validation_watch.h"

namespace tlspolicyd::service {

/// Whether DANE is looked at (decisions.md 4, 5).
enum class DaneMode {
  gate,    ///< before an enforce answer
  always,  ///< also for domains that asked for nothing
  off
};

struct DaneRules {
  DaneMode mode = DaneMode::gate;
  dane::Mixed mixed = dane::Mixed::dane_only;
  /// The operator's exceptions; found by a text as it stands.
  std::map<std::string, DaneMode, std::less<>> domains;

  /// True if DANE is looked at for any domain.
  bool in_use() const {
    if (mode != DaneMode::off) return true;
    for (const auto& [domain, own] : domains)
      if (own != DaneMode::off) return true;
    return false;
  }
};

/// All that answers share about DANE: the rules, what is known of MX hosts, and whether the
/// resolver can be used for it at all.
class Dane {
 public:
  /// `changed` is called whenever DANE begins or ceases to be looked at, because the resolver does:
  /// answers given before are outdated. All that is given must outlive it.
  Dane(net::Resolver& resolver, base::Clock& clock, base::Timers& timers, const base::Log& log,
       DaneRules rules, std::function<void()> changed)
      : resolver_(resolver),
        clock_(clock),
        timers_(timers),
        log_(log),
        changed_(std::move(changed)),
        hosts_(resolver, clock, timers) {
    use(std::move(rules));
  }
  Dane(const Dane&) = delete;
  Dane& operator=(const Dane&) = delete;

  /// For answers from now on, also to questions that wait; those given before are outdated.
  void set_rules(DaneRules rules) {
    use(std::move(rules));
    changed_();
  }

  /// True if an enforce answer for this policy domain has to pass the gate. While nothing is known
  /// of the resolver yet the gate is there: what is not validated then does not bind.
  bool guards(std::string_view domain) const { return mode_of(domain) != DaneMode::off; }
  /// True if DANE is looked at for it though it enforces nothing.
  bool serves_all(std::string_view domain) const { return mode_of(domain) == DaneMode::always; }

  /// False where DANE is off for every domain.
  bool in_use() const { return watch_.has_value(); }
  /// What is known of the resolver; unknown also where DANE is off everywhere.
  ValidationWatch::State validation() const {
    return watch_ ? watch_->state() : ValidationWatch::State::unknown;
  }

  /// The resolver has other name servers, or believes others of them: what was learnt before is
  /// outdated.
  void resolver_changed() {
    hosts_.forget();
    if (watch_) watch_->begin_anew();
    changed_();
  }

  /// No server could be reached that a question to be validated may be put to, while others are
  /// there: whether they have to take its place is found out at once.
  void trusted_unreachable() {
    if (watch_) watch_->suspect();
  }

  /// What was found of MX hosts, and what could not be found, is looked up again.
  void forget_findings() { hosts_.forget(); }

  dane::Mixed mixed() const { return rules_.mixed; }
  DaneHosts& hosts() { return hosts_; }

 private:
  void use(DaneRules rules) {
    rules_ = std::move(rules);
    if (!rules_.in_use()) {
      watch_.reset();
    } else if (!watch_) {
      watch_.emplace(resolver_, clock_, timers_, log_, [this] {
        hosts_.forget();
        changed_();
      });
    }
  }

  DaneMode mode_of(std::string_view domain) const {
    if (validation() == ValidationWatch::State::does_not) return DaneMode::off;
    const auto own = rules_.domains.find(domain);
    return own == rules_.domains.end() ? rules_.mode : own->second;
  }

  net::Resolver& resolver_;
  base::Clock& clock_;
  base::Timers& timers_;
  const base::Log& log_;
  std::function<void()> changed_;
  DaneHosts hosts_;
  DaneRules rules_;
  std::optional<ValidationWatch> watch_;
};

}  // namespace tlspolicyd::service
