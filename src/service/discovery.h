#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "net/dns.h"
#include "net/https.h"
#include "service/book.h"
#include "service/dane.h"
#include "service/decision.h"
#include "service/fetch_slots.h"
#include "service/keeper.h"

namespace tlspolicyd::service {

/// What a look-up needs of the world; all must outlive every operation that was given it.
struct Outside {
  net::Resolver& resolver;
  net::HttpsClient& https;
  FetchSlots& slots;
  Keeper& keeper;
  Dane& dane;
  base::Clock& clock;
  base::Timers& timers;
  const base::Log& log;
};

/// Looks at a domain's TXT record and, where the lifecycle says so, fetches its policy
/// (RFC 8461 3.1 to 3.3). What it learns is written into the book; a policy is durable before.
class Discovery final : public base::Operation {
 public:
  enum class Purpose {
    question,  ///< fetches what is new
    refresh    ///< fetches whatever the TXT record says (RFC 8461 10.2)
  };
  enum class Phase {
    asking_dns,        ///< the TXT record is being looked up
    waiting_for_slot,  ///< a policy exists; our own limits delay its fetch
    fetching,          ///< a policy exists and is being fetched
    saving             ///< it is fetched, and on its way to the disk
  };

  /// `done` gets our own trouble if that is why nothing more could be learnt (then nothing was
  /// remembered of it), nullopt otherwise: the book says what is known.
  using Done = std::function<void(std::optional<base::Error> own_trouble)>;

  Discovery(const Outside& outside, Book& book, base::DomainName domain, Purpose purpose,
            Done done);

  Phase phase() const { return phase_; }
  /// True once the TXT record has been seen and named nothing new: what is fetched nevertheless is
  /// a refresh, for which no question waits.
  bool only_refreshes() const { return only_refreshes_; }
  /// What has come of the TXT record and of the policy so far.
  Trail trail() const;

 private:
  void on_txt(const base::Result<net::DnsAnswer>& answer);
  void refresh();
  void begin_fetch(std::string id);
  void on_policy(const base::Result<sts::Policy>& policy);
  void on_kept(const std::shared_ptr<const sts::StoredPolicy>& policy);
  void on_failure(const base::Error& why);
  void finish(std::optional<base::Error> own_trouble);

  const Outside& outside_;
  Book& book_;
  base::DomainName domain_;
  const unsigned attempt_ = book_.attempt();
  Purpose purpose_;
  Done done_;
  Phase phase_ = Phase::asking_dns;
  bool only_refreshes_ = false;
  Trail trail_{.txt = "asking"};
  std::string id_;  ///< that is being fetched for
  base::OperationPtr slot_;
  base::OperationPtr step_;  ///< the look-up or fetch under way
};

}  // namespace tlspolicyd::service
