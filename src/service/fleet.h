#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "service/book.h"
#include "service/keeper.h"
#include "store/shared_cache.h"

namespace tlspolicyd::service {

/// One node's part in a fleet (decisions.md 24): tells the others of each policy that it fetches,
/// takes up what they fetched, and forgets what an operator had another node forget.
///
/// The book always holds what the fleet knows, so that no question waits for the shared cache and
/// none is answered otherwise while it is away. What is taken up is durable before it enters the
/// book, as what was fetched is. All that is given must outlive it.
class Fleet final : private store::SharedCache::Listener {
 public:
  /// On each connection the whole book is offered within kRound; then once in kPause.
  static constexpr base::milliseconds kTick{100};
  static constexpr base::seconds kRound{5};
  static constexpr base::seconds kPause{3600};
  static constexpr base::seconds kReminder{600};
  static constexpr base::milliseconds kHearAgain{500};
  /// Policies on their way to the disk at a time: then others wait at the server.
  static constexpr std::size_t kMaxAdoptions = 1000;
  /// Domains that were forgotten lately and are not taken up again; the server remembers them, too.
  static constexpr std::size_t kMaxForgotten = 10'000;

  Fleet(store::SharedCache& cache, Book& book, Keeper& keeper, base::Clock& clock,
        base::Timers& timers, const base::Log& log);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// For people: the server, "" if this node is alone.
  void set_server(const std::string& text);

  struct State {
    std::string server;  ///< "": this node is alone
    bool connected = false;
    std::string why;         ///< it is not
    base::WallTime since{};  ///< when that began
    // Since the start:
    std::size_t adopted = 0;   ///< policies taken up from others
    std::size_t told = 0;      ///< policies told
    std::size_t untold = 0;    ///< that the server did not take
    std::string why_untold{};  ///< the last of them
    std::size_t refused = 0;   ///< that were offered, and cannot be right or are unreadable
    std::size_t unplaced = 0;  ///< for which the book had no place
    std::size_t forgotten = 0;
  };
  const State& state() const { return state_; }

 private:
  void on_connected() override;
  void on_away(const std::string& why) override;
  void on_words(std::vector<store::Word> words) override;
  void on_unreadable(std::size_t count, const std::string& example) override;
  void on_untold(std::size_t count, const std::string& why) override;

  void on_news(const std::string& domain, const std::shared_ptr<const sts::StoredPolicy>& policy);
  void hear(store::Word word);
  void consider(const store::Row& row);
  void adopt(const base::DomainName& domain, const store::Row& row);
  void enter(const base::DomainName& domain,
             const std::shared_ptr<const sts::StoredPolicy>& policy);
  void forget(const store::Word& word);
  bool was_forgotten(const store::Row& row);
  void note_forgotten(const std::string& domain, base::WallTime at);
  void tell_forgotten(const std::string& domain, base::WallTime at);
  void refuse(std::size_t count, const std::string& domain, const std::string& why);
  void tell(const std::string& domain, const std::shared_ptr<const sts::StoredPolicy>& policy,
            base::WallTime used_at);
  void offer_some();
  bool offer_step();

  store::SharedCache& cache_;
  Book& book_;
  Keeper& keeper_;
  base::Clock& clock_;
  base::Timers& timers_;
  const base::Log& log_;
  State state_;
  bool was_away_ = true;  ///< and that was said, or it is the start
  base::SteadyTime away_said_{};
  base::SteadyTime untold_said_{};
  base::SteadyTime refusal_said_{};
  /// On their way to the disk, by domain.
  struct Adoption {
    std::shared_ptr<const sts::StoredPolicy> policy;
    base::OperationPtr keeping;
  };
  std::unordered_map<std::string, Adoption> adoptions_;
  /// Of domains of which something is on its way to the disk: heard again when that is over.
  std::unordered_map<std::string, store::Word> unheard_;
  base::OperationPtr hear_again_;
  std::unordered_map<std::string, base::WallTime> forgotten_;  ///< by domain: when
  std::size_t next_offer_ = 0;
  base::OperationPtr offer_timer_;
};

}  // namespace tlspolicyd::service
