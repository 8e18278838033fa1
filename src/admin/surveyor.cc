#include "admin/surveyor.h"

#include <utility>

namespace tlspolicyd::admin {

class Surveyor::Waiter final : public base::Operation {
 public:
  Waiter(std::list<Waiter*>& all, Survey::Done done) : all_(all), done_(std::move(done)) {
    all_.push_back(this);
  }
  ~Waiter() override { all_.remove(this); }

  void tell(const Census& census) {
    const auto done = std::move(done_);
    done(census);  // may destroy this
  }

 private:
  std::list<Waiter*>& all_;
  Survey::Done done_;
};

base::OperationPtr Surveyor::count(Survey::Done done) {
  if (!survey_ && is_fresh())
    return timers_.after(base::milliseconds{0},
                         [census = *latest_, done = std::move(done)] { done(census); });
  if (!survey_) {
    began_ = clock_.steady();
    survey_ = std::make_unique<Survey>(book_, clock_, timers_,
                                       [this](const Census& census) { counted(census); });
  }
  return std::make_unique<Waiter>(waiters_, std::move(done));
}

void Surveyor::counted(const Census& census) {
  const auto told = latest_ = census;
  // Kept until the end: it is what calls this. Who asks meanwhile is told the new result.
  const auto ended = std::move(survey_);
  while (!waiters_.empty()) {
    auto* next = waiters_.front();
    waiters_.pop_front();
    next->tell(*told);
  }
}

}  // namespace tlspolicyd::admin
