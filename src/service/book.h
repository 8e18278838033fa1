#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/domain_name.h"
#include "service/decision.h"
#include "service/life_tally.h"
#include "service/mx_hosts.h"
#include "service/question.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::service {

/// A reply in the asker's own language, kept so that a settled question costs one look-up. It holds
/// until the first of both times: a clock that is set back lengthens no TTL.
struct KeptReply {
  Terms terms;
  Decision::Kind kind;
  base::WallTime valid_until;
  base::SteadyTime fresh_until;
  std::string wire;

  bool holds(base::WallTime now, base::SteadyTime steady) const {
    return now < valid_until && steady < fresh_until;
  }
};

/// What is remembered of one policy domain.
struct Record {
  sts::Entry entry;
  std::vector<KeptReply> replies;     ///< by terms; dropped whenever the entry changes
  std::shared_ptr<const MxHosts> mx;  ///< as looked up within the last day; shared by all terms

  // The book's own.
  unsigned era = 0;      ///< of replies and mx
  unsigned attempt = 0;  ///< of the entry's failures
  std::list<const std::string*>::iterator turn{};
  std::size_t owner = 0;    ///< hash of the registered domain
  bool replaceable = true;  ///< has a turn
};

/// The book of policies: a record per policy domain, in memory.
///
/// Policies and negatives (records of domains without policy) stand on separate shelves, so that
/// negatives can never push out a policy (decisions.md 19). Among the policies there are those that
/// make room for newcomers, the least recently used first: what has expired, and what does not
/// enforce. An unexpired enforce policy makes room for nobody: where only such are left, or where a
/// registered domain has used up its share, a newcomer stays among the negatives; it is answered as
/// long as it lasts there (threat A-12). A record keeps its address until it is forgotten.
class Book {
 public:
  struct Limits {
    std::size_t policies = 100'000;
    std::size_t negatives = 50'000;
    std::size_t policies_per_registered_domain = 1'000;
    std::size_t negatives_per_registered_domain = 500;
  };

  explicit Book(Limits limits) : limits_(limits) {}
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  /// The record of a policy domain as base::DomainName::text() writes it, nullptr if nothing is
  /// known. Counts as use of it. Any other text finds nothing, so that a key which is found as it
  /// stands needs no parsing.
  Record* find(std::string_view domain);
  /// The record of a domain, made if there is none; may push out another negative.
  Record& open(const base::DomainName& domain);
  /// Applies an event of the domain's life. Kept replies are dropped.
  sts::Next advance(const base::DomainName& domain, const sts::Event& event, base::WallTime now);

  /// Whether there is a place for a policy, and who had to leave it.
  struct Place {
    bool kept = false;
    std::optional<std::string> displaced;
  };
  /// Puts the record of a domain whose policy is about to be stored among the policies.
  Place admit(const base::DomainName& domain, const sts::Policy& policy, base::WallTime now);
  /// True if the domain's record is among the policies.
  bool is_placed(const std::string& domain) const { return policies_.contains(domain); }
  /// Takes up a policy from an earlier life, whatever the limits: they are for newcomers.
  Record& restore(const base::DomainName& domain, std::shared_ptr<const sts::StoredPolicy> policy,
                  const sts::Upkeep& upkeep, base::WallTime now);
  /// Decides anew whether a policy makes room for newcomers; for one that has expired, or whose
  /// expiry was undone by a corrected clock.
  void reconsider(const std::string& domain, base::WallTime now);
  /// Drops the kept replies and MX hosts of all domains; costs nothing until they are asked for.
  void forget_answers() { ++era_; }
  /// Counts forget_answers(): what was asked of the network in an earlier era is not to be kept.
  unsigned era() const { return era_; }
  /// Has whatever failed tried again when it is next asked for (sts::forget_failures()); costs
  /// nothing until then.
  void forget_failures() { ++attempt_; }
  /// Counts forget_failures().
  unsigned attempt() const { return attempt_; }
  /// For newcomers. What has a place now keeps it until it expires or makes room for one of them,
  /// but for negatives.
  void set_limits(Limits limits);
  /// Forgets all that is known of a domain.
  void forget(const std::string& domain);

  /// Shows the policies on the next `share` of the shelf, beginning at `from`, to `look`, which
  /// must not add or forget any. Returns where to go on: `from` for the next call, 0 after the
  /// last.
  std::size_t walk(std::size_t from, double share,
                   const std::function<void(const std::string&, Record&)>& look);

  const LifeTally& tally() const { return tally_; }
  std::size_t policies() const { return policies_.size(); }
  std::size_t negatives() const { return negatives_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    // Not noexcept, so that libstdc++ keeps the hash in each node instead of making it again.
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>{}(key);
    }
  };
  using Shelf = std::unordered_map<std::string, Record, Hash, std::equal_to<>>;
  using Turns = std::list<const std::string*>;
  /// What one registered domain has here.
  struct Owner {
    std::size_t policies = 0;
    std::size_t negatives = 0;
    const std::string* latest = nullptr;  ///< key of its newest negative
  };

  Record* look_up(std::string_view domain);
  void make_room(std::size_t owner);
  void drop_negative(const std::string* key);
  void to_policies(Shelf::iterator negative);
  std::optional<std::string> displace(base::WallTime now);
  void keep_its_place(Shelf::iterator policy);
  void make_replaceable(Shelf::iterator policy, base::WallTime now);
  void release(std::size_t owner, std::size_t Owner::*count);

  Limits limits_;
  LifeTally tally_;
  unsigned era_ = 0;      ///< grows with forget_answers()
  unsigned attempt_ = 0;  ///< grows with forget_failures()
  Shelf policies_;
  Shelf negatives_;
  Turns negative_turns_;     ///< keys of negatives_, the least recently used first
  Turns replaceable_turns_;  ///< keys of policies_ that make room, the same
  std::unordered_map<std::size_t, Owner> owners_;
};

}  // namespace tlspolicyd::service
