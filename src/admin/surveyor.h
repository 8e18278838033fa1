#pragma once

#include <list>
#include <optional>

#include "admin/survey.h"

namespace tlspolicyd::admin {

/// Counts the policies for everybody who asks: however many ask, and however often, one survey at a
/// time is under way, and its result is good for kFresh from its beginning.
class Surveyor {
 public:
  static constexpr base::milliseconds kFresh{1000};

  /// All that is given must outlive it.
  Surveyor(service::Book& book, const base::Clock& clock, base::Timers& timers)
      : book_(book), clock_(clock), timers_(timers) {}
  Surveyor(const Surveyor&) = delete;
  Surveyor& operator=(const Surveyor&) = delete;

  /// `done` gets the census unless the operation is destroyed before. Must outlive the operation.
  base::OperationPtr count(Survey::Done done);

 private:
  class Waiter;
  bool is_fresh() const { return latest_ && clock_.steady() - began_ < kFresh; }
  void counted(const Census& census);

  service::Book& book_;
  const base::Clock& clock_;
  base::Timers& timers_;
  std::list<Waiter*> waiters_;
  std::optional<Census> latest_;
  base::SteadyTime began_{};  ///< the survey that is under way, else that of `latest_`
  base::OperationPtr survey_;
};

}  // namespace tlspolicyd::admin
