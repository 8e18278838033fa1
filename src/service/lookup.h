#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service/dane_gate.h"
#include "service/decision.h"
#include "service/discovery.h"
#include "service/mx_hosts.h"

namespace tlspolicyd::service {

/// All that is under way for one policy domain, and who waits for it: whoever asks for the same
/// domain meanwhile shares it (decisions.md 15).
///
/// It goes on when nobody waits any more, so that the next question finds its result
/// (decisions.md 14), and ends when nothing is under way and nobody waits.
class Lookup {
 public:
  /// Who waits. Joined by its constructor, left by its destructor.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    /// The decision, if the lookup has come so far; asked after each progress.
    virtual std::optional<Decision> try_decide() = 0;
    /// Delivers it; the waiter has left the lookup. May destroy the waiter, join new ones and
    /// destroy others.
    virtual void deliver(Decision decision) = 0;

   private:
    friend class Lookup;
    std::list<Waiter*>::iterator place_;  ///< in waiters_, while it waits
  };

  /// `ended` is called when the lookup may be destroyed, and may destroy it.
  /// With a purpose, looks at the TXT record first, and fetches.
  Lookup(const Outside& outside, Book& book, base::DomainName domain,
         std::optional<Discovery::Purpose> purpose, std::function<void()> ended);

  void join(Waiter& waiter);
  /// May end and thereby destroy the lookup.
  void leave(Waiter& waiter);

  /// True until TXT record and policy are settled; `phase` says how far it is.
  bool discovering() const { return discovery_ != nullptr; }
  Discovery::Phase phase() const { return discovery_->phase(); }
  /// True if what is under way may change the answer to a question asked now, where `txt_due` tells
  /// whether the TXT record has to be looked at for it and a valid policy is known.
  bool may_change(bool txt_due) const;
  /// What has come of the TXT record and of the policy so far.
  Trail trail() const { return discovery_ ? discovery_->trail() : trail_; }
  /// True if what was learnt is good for those only who wait for it: Book::forget_answers() was
  /// called since this began.
  bool is_outdated() const { return era_ != book_.era(); }
  /// Why nothing could be learnt, if the cause was our own.
  const std::optional<base::Error>& own_trouble() const { return own_trouble_; }

  /// The unexpired policy of the domain, nullptr if there is none: the book's, or the one that the
  /// book had and made room with meanwhile (threat A-12).
  std::shared_ptr<const sts::StoredPolicy> policy(const sts::Entry& entry,
                                                  base::WallTime now) const;

  /// The MX hosts or why they cannot be had; nothing while they are being looked up, which begins
  /// with this call unless they are known or are being looked up already. Only of an answer that
  /// the DNS was asked for at `since` or later.
  std::optional<MxResult> mx_hosts(base::SteadyTime since = {});

  /// What was found of these MX hosts for a question on these terms, nullptr while it is under way;
  /// it begins with this call, unless somebody looks at the same ones already. The findings are for
  /// those who waited for them: they last until all have been told. `names` as MxHosts has them.
  const GateFindings* gate(const Terms& terms, const std::vector<std::string>& names);

  /// Fetches the policy again, whatever the TXT record says, unless it is being looked for already;
  /// who waits does not wait for that. REQUIRES: a policy is known, and the lookup has not ended.
  void refetch();

  /// Lets every waiter that can be answered go; then ends if nothing is left to do. False if it has
  /// ended, and thereby been destroyed.
  bool tell_waiters();

 private:
  struct Gate {
    std::optional<GateFindings> findings;
    base::OperationPtr look;
  };

  void discover(Discovery::Purpose purpose);
  void remember_policy();
  void remove(Waiter& waiter);
  void ask_for_mx();
  std::shared_ptr<const MxHosts> keep_mx(const net::DnsAnswer& answer);
  void on_mx(const base::Result<net::DnsAnswer>& answer);
  bool looks_at_hosts() const;
  bool end_if_over();

  const Outside& outside_;
  Book& book_;
  const unsigned era_ = book_.era();
  base::DomainName domain_;
  std::function<void()> ended_;
  std::list<Waiter*> waiters_;
  std::list<Waiter*>::iterator next_ = waiters_.end();  ///< to be asked, while telling_
  std::shared_ptr<const sts::StoredPolicy> remembered_;
  bool telling_ = false;  ///< waiters that leave now do not end it
  std::optional<base::Error> own_trouble_;
  Trail trail_;                      ///< of the discovery that has ended
  std::optional<MxResult> told_mx_;  ///< while those are told who waited for it
  std::unique_ptr<Discovery> discovery_;
  base::OperationPtr mx_;
  unsigned mx_era_ = 0;  ///< when the MX hosts were asked for
  base::SteadyTime mx_asked_{};
  /// By port and MX hosts: who asks when these have expired is not answered by what others wait
  /// for.
  std::map<std::pair<std::uint16_t, std::vector<std::string>>, Gate> gates_;
};

}  // namespace tlspolicyd::service
