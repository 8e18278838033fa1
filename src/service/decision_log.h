#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/log.h"
#include "service/decision.h"
#include "service/question.h"

namespace tlspolicyd::service {

/// One line of the log for each answer that was not known at once: what was asked and told, from
/// where, how old the policy is and how long it still holds (both in seconds), and what came of
/// each step (Trail). An answer that defers is a warning. Where the operator only observes, the
/// line says that the answer was "no policy", and what it would have been.
///
/// Of one domain there are at most kBurst lines in kWindow; how many more there would have been is
/// told with the next one.
class DecisionLog {
 public:
  static constexpr unsigned kBurst = 5;
  static constexpr base::seconds kWindow{60};
  /// Domains that are watched; beyond, all begin anew.
  static constexpr std::size_t kMostDomains = 4096;

  /// Both must outlive it.
  DecisionLog(const base::Log& log, const base::Clock& clock) : log_(log), clock_(clock) {}

  /// `asked_at`: when the question came. `observed`: the decision is not what was answered.
  void write(const Question& question, const Decision& decision, base::WallTime asked_at,
             bool observed = false);

 private:
  struct Recent {
    base::SteadyTime begun{};
    unsigned lines = 0;
    unsigned withheld = 0;
  };
  /// How many lines were withheld before this one, or nothing if it is to be withheld too.
  std::optional<unsigned> turn_of(const std::string& domain);

  const base::Log& log_;
  const base::Clock& clock_;
  std::unordered_map<std::string, Recent> recent_;
};

}  // namespace tlspolicyd::service
