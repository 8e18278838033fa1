#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fakes/fake_time.h"
#include "store/store.h"

namespace tlspolicyd::fakes {

/// A disk in memory that takes as long as it was told, fails when it was told, and loses what had
/// not been written when the process was killed. Outlives the process that writes to it.
class FakeStore final : public store::Store {
 public:
  enum class Health { works, full, silent };

  explicit FakeStore(FakeTime& time) : time_(time) {}

  void set_health(Health health) { health_ = health; }
  void set_delay(base::milliseconds delay) { delay_ = delay; }

  /// kill -9: what is under way is not written, and nobody is told.
  void crash() {
    writes_.clear();
    reopened_ = nullptr;
    last_due_ = {};
  }
  /// The file was lost; the next life, or reopen(), finds what is given.
  void replace(std::map<std::string, store::Row> held) { held_ = std::move(held); }
  void reopen() {
    if (reopened_) reopened_(contents());
  }

  store::Contents contents() const {
    store::Contents all;
    for (const auto& [domain, row] : held_) all.rows.push_back(row);
    return all;
  }
  const std::map<std::string, store::Row>& held() const { return held_; }
  int writes() const { return count_; }

  base::OperationPtr write(std::vector<store::Change> changes, Done done) override {
    auto waiting = std::make_shared<Done>(std::move(done));
    if (health_ == Health::silent) return std::make_unique<Forget>(waiting);
    const auto write = writes_.emplace(writes_.end());
    // Writes keep their order, also when the disk has become faster.
    last_due_ = std::max(last_due_, time_.steady() + delay_);
    const auto delay = std::chrono::ceil<base::milliseconds>(last_due_ - time_.steady());
    *write = time_.after(delay, [this, write, changes = std::move(changes), waiting] {
      const auto keep = std::move(*write);  // this closure, until its end
      writes_.erase(write);
      std::optional<base::Error> error;
      if (health_ == Health::full) {
        error = base::Error{base::Fault::system, "database or disk is full"};
      } else {
        apply(changes);
      }
      if (*waiting) std::exchange(*waiting, nullptr)(error);
    });
    return std::make_unique<Forget>(waiting);
  }
  void on_reopened(Reopened reopened) override { reopened_ = std::move(reopened); }

 private:
  struct Forget final : base::Operation {
    explicit Forget(std::shared_ptr<Done> done) : waiting(std::move(done)) {}
    ~Forget() override { *waiting = nullptr; }
    std::shared_ptr<Done> waiting;
  };

  void apply(const std::vector<store::Change>& changes) {
    ++count_;
    for (const auto& change : changes) {
      if (change.row) {
        held_.insert_or_assign(change.domain, *change.row);
      } else {
        held_.erase(change.domain);
      }
    }
  }

  FakeTime& time_;
  Health health_ = Health::works;
  base::milliseconds delay_{1};
  std::map<std::string, store::Row> held_;
  std::list<base::OperationPtr> writes_;
  base::SteadyTime last_due_{};
  Reopened reopened_;
  int count_ = 0;
};

}  // namespace tlspolicyd::fakes
