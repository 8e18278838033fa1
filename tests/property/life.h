#pragma once

#include <string>
#include <vector>

#include "model.h"

namespace tlspolicyd::property {

/// One thing that happens to a domain, with the outcome of all that the core may ask for then.
struct Step {
  enum class Kind { ask, look, pass, set_clock, restart };
  enum class Txt { id_a, id_b, none, denied, several, error, own_trouble };
  enum class Fetch { fail, own_trouble, enforce, brief, testing, none, zero };
  enum Clock : Moment { back = -86'400, right = 0, ahead = 2 * 365 * 86'400 };

  Kind kind;
  Txt txt = Txt::id_a;
  Fetch fetch = Fetch::fail;
  Moment amount = 0;  ///< seconds that pass, or how wrong the clock is from now on
  /// False for steps that differ from another one in an outcome only.
  bool is_first = true;

  std::string text() const;
};

/// What may happen in a walk.
struct Alphabet {
  std::vector<Step::Txt> txt;
  std::vector<Step::Fetch> fetch;
  std::vector<Moment> times;
  bool sets_clock = false;

  /// All steps: the first of each kind first, then those that differ in an outcome only.
  std::vector<Step> steps() const;
};

/// A domain as the service would lead it through the core, and the model beside it.
class DomainLife {
 public:
  explicit DomainLife(bool clock_can_be_set) : clock_can_be_set_(clock_can_be_set) {}

  enum class Outcome {
    went_on,
    same_as_another  ///< an outcome of the step was never asked for: the same as a first one
  };
  /// False if the step is the same as another one; not always known beforehand.
  bool may_differ(const Step& step) const;
  /// Takes a step; wrong() says what was wrong, if anything.
  Outcome take(const Step& step);
  const std::string& wrong() const { return wrong_; }

  /// All that the future depends on: two lives with equal keys cannot be told apart any more.
  std::string key() const;

 private:
  base::WallTime wall() const;
  void blame(std::string what);
  bool ask(const Step& step);
  bool look(const Step& step);
  bool learn(const Step& step, bool refreshes);
  void fetch(const std::string& id, Step::Fetch outcome);
  void alert();
  void restart();

  sts::Entry entry_;
  Model model_;
  Moment now_ = 0;
  Moment clock_error_ = 0;
  base::WallTime clock_set_at_{};
  bool clock_can_be_set_;
  bool fetched_ = false;  ///< in this step
  std::string wrong_;
};

}  // namespace tlspolicyd::property
