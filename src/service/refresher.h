#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "service/book.h"
#include "service/clock_watch.h"
#include "service/policy_service.h"
#include "sts/upkeep.h"

namespace tlspolicyd::service {

/// Looks after every policy of the book once a minute: refreshes it in time, warns while that
/// fails, forgets what expired long ago (RFC 8461 10.2; decisions.md 20). Policies without a place
/// are looked after in the same way, and get one once there is room. Also watches the clock.
///
/// It holds no plan of its own: each look judges a policy by its entry and the time, so that a
/// clock that was set, a restart or a full queue leave nothing to be mended.
class Refresher {
 public:
  static constexpr base::seconds kRound{60};  ///< the whole book
  static constexpr base::seconds kTick{5};    ///< a part of it
  static constexpr std::size_t kAtOnce = 32;  ///< refreshes under way
  /// The same of policies without a place, which hold up no other.
  static constexpr std::size_t kUnplacedAtOnce = 8;
  /// A policy that is used all the time has its use noted on disk this often, so that a restart
  /// does not forget it.
  static constexpr base::seconds kUseNoted{86400};

  /// `service` answers from `book`; all that is given must outlive the refresher. `seed` of the
  /// dice that spread refreshes.
  Refresher(const Outside& outside, Book& book, PolicyService& service, sts::RefreshRules rules,
            std::uint64_t seed);

  const sts::RefreshRules& rules() const { return rules_; }
  /// Refreshes that are planned already are put forward, within a round, where they now come too
  /// late, and never put off.
  void set_rules(const sts::RefreshRules& rules) { rules_ = rules; }

  std::size_t under_way() const { return *placed_.under_way + *unplaced_.under_way; }

 private:
  struct Chores {
    std::vector<std::string> refresh;
    std::vector<std::string> reconsider;
    std::vector<std::string> note;
    std::vector<std::string> forget;
    std::vector<std::string> settle;
  };

  /// A walk that begins again when it is through.
  struct Round {
    std::size_t at_once;
    std::size_t next = 0;  ///< where the next look begins
    /// Shared with the ends of lookups, which may come when the refresher is gone.
    std::shared_ptr<std::size_t> under_way = std::make_shared<std::size_t>(0);
  };
  using Look = std::function<void(const std::string&, Record&)>;
  using Walk = std::size_t (Book::*)(std::size_t from, double share, const Look& look);

  void tick();
  void look_on(Round& round, Walk walk);
  void watch_clock();
  void look_at(const std::string& domain, Record& record, Chores& chores);
  void do_chores(const Chores& chores, Round& round);
  void refresh(const std::string& domain, Round& round);

  Outside outside_;
  Book& book_;
  PolicyService& service_;
  sts::RefreshRules rules_;
  std::mt19937_64 dice_;
  ClockWatch clock_watch_;
  base::WallTime clock_set_at_{};
  Round placed_{.at_once = kAtOnce};
  Round unplaced_{.at_once = kUnplacedAtOnce};
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::service
