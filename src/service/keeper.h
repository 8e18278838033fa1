#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "service/book.h"
#include "store/store.h"

namespace tlspolicyd::service {

/// Keeps the policies of the book on disk (decisions.md 17 to 20).
///
/// While the disk fails, the book goes on from memory: what could not be written is remembered and
/// tried again until it can; the failure is logged when it begins, every kReminder while it lasts,
/// and when it ends. All that is given must outlive it.
class Keeper {
 public:
  /// How long an answer waits for the disk; a disk that takes longer has failed.
  static constexpr base::seconds kPatience{5};
  static constexpr base::seconds kRetry{10};
  static constexpr base::seconds kReminder{600};

  Keeper(store::Store& store, Book& book, base::Clock& clock, base::Timers& timers,
         const base::Log& log);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Takes what an earlier life left into the book, where that does not know better.
  void take_up(store::Contents contents);

  /// Finds the policy a place in the book and makes it durable, before it enters the book. `kept`
  /// is called when it is durable, when there is no place for it, or when the disk has failed; its
  /// argument tells whether it is durable. A policy that has lost its place is written all the
  /// same.
  base::OperationPtr keep(const base::DomainName& domain,
                          std::shared_ptr<const sts::StoredPolicy> policy,
                          std::function<void(bool durable)> kept);

  /// True while a policy of this domain is on its way to the disk.
  bool is_keeping(const std::string& domain) const { return pending_.contains(domain); }

  /// Writes what is noted of a policy, some time; nobody waits for it.
  void note(const std::string& domain);
  /// Finds a place for a policy that has none, if there is room now, and writes it then.
  void settle(const std::string& domain);
  /// Removes from the disk what the book has forgotten for want of memory.
  void remove_left();
  /// Forgets a policy, in the book and on disk; not while a newer one is on its way there.
  void forget(const std::string& domain);
  /// The same for an operator, who waits: `forgotten` is called once the disk has forgotten it too
  /// or has failed. nullptr, and nothing is forgotten, while a newer one is on its way there.
  base::OperationPtr forget(const std::string& domain, std::function<void(bool durable)> forgotten);

  /// Called, in the same turn, with each policy that has found its place and is about to be saved,
  /// and with nullptr for each domain that an operator has had forgotten.
  using News = std::function<void(const std::string& domain,
                                  const std::shared_ptr<const sts::StoredPolicy>& policy)>;
  void on_news(News news) { news_ = std::move(news); }

  /// How the disk does, for health and metrics.
  struct State {
    bool failing = false;
    std::string why;               ///< of the last failure
    base::WallTime since{};        ///< when it began to fail
    std::size_t unsaved = 0;       ///< policies that are in memory only and are to be written
    std::size_t unplaced = 0;      ///< policies, since the start, that were left without a place
    base::WallTime unplaced_at{};  ///< when that, or displaced_enforced, last happened
    std::size_t displaced = 0;     ///< policies, since the start, that made room for newcomers
    std::size_t displaced_enforced = 0;  ///< unexpired enforce policies among them: still applied
    std::size_t failures = 0;            ///< failed writes since the start
  };
  State state() const;
  /// The store could not be opened, or does not take writes: begins to try again.
  void begin_failing(const std::string& why);

 private:
  class Keeping;
  class Forgetting;
  struct Pending {
    base::OperationPtr write;
    Keeping* waiting = nullptr;
  };

  void on_kept(const std::string& domain, const std::optional<base::Error>& error);
  void on_reopened(store::Contents contents);
  void on_written(const std::vector<std::string>& domains, const std::optional<base::Error>& error);
  void succeed();
  void retry_later();
  void retry();
  void write_rows(
      const std::vector<std::string>& domains,
      std::function<void(bool durable)> told = [](bool) {});
  void no_place(const std::string& domain);
  void write_soon(const std::vector<std::string>& domains);
  void log_displaced(const std::vector<Book::Displaced>& displaced, const std::string& newcomer);
  store::Change row_of(const std::string& domain);

  store::Store& store_;
  Book& book_;
  base::Clock& clock_;
  base::Timers& timers_;
  const base::Log& log_;
  News news_;
  State state_;
  base::SteadyTime reminded_{};
  base::SteadyTime no_place_said_{};
  base::SteadyTime displaced_said_{};
  base::SteadyTime left_said_{};
  std::size_t left_ = 0;  ///< that the book forgot for want of memory
  std::unordered_set<std::string> unsaved_;
  std::unordered_set<std::string> forgotten_;         ///< the disk may still have them
  std::unordered_map<std::string, Pending> pending_;  ///< policies that are not in the book yet
  std::list<base::OperationPtr> notes_;               ///< writes that nobody waits for
  base::OperationPtr retry_timer_;
};

}  // namespace tlspolicyd::service
