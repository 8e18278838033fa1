#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/domain_name.h"
#include "base/keyed_hash.h"
#include "service/decision.h"
#include "service/domain_quotas.h"
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
  base::WallTime used_noted{};        ///< entry.upkeep.used_at as the disk has it

  // The book's own.
  enum class Place : std::uint8_t {
    enforcing,    ///< among the policies, of an unexpired enforce policy
    replaceable,  ///< among the policies: makes room for any newcomer
    unplaced,     ///< an unexpired enforce policy for which there is no place among the policies
    displaced,    ///< the same, with a row on disk: it had a place
    negative      ///< all others
  };
  Place place = Place::negative;
  bool has_row = false;        ///< its policy is on disk, or on its way there
  unsigned era = 0;            ///< of replies and mx
  unsigned attempt = 0;        ///< of the entry's failures
  std::uint32_t size = 0;      ///< bytes that are counted in the part of its place
  std::uint32_t answers = 0;   ///< bytes that are counted as answers
  std::uint32_t expected = 0;  ///< bytes of a policy on its way here
  DomainQuota* quota = nullptr;
  LruList::iterator turn{};      ///< in the book's list of its place; enforcing: none
  LruList::iterator own{};       ///< in its quota's list; unplaced: none
  LruList::iterator answered{};  ///< in the list of those that have answers
};

/// True for the only policies that protect: those that mail must not be delivered without.
inline bool is_unexpired_enforce(const sts::Entry& entry, base::WallTime now) {
  return entry.is_valid(now) && entry.stored->policy.mode == sts::Mode::enforce;
}

/// The book of policies: a record per policy domain, in memory.
///
/// Policies and negatives (records of domains without policy) stand on separate shelves, so that
/// negatives can never push out a policy (decisions.md 19). Quotas bind under pressure only
/// (decisions.md 29, threat A-12): as long as there is room nobody is refused. When the policies
/// are full, by count or by bytes, a newcomer is given the place
///   1. of an expired policy, or of one that does not enforce: the largest registered domain's,
///   else
///      the least recently used of all, expired ones first;
///   2. of the longest unused policies of the heaviest registered domain, if the newcomer enforces,
///      and that domain weighs more than kFairShare and more than the newcomer's own then does:
///      of as few as the newcomer needs, and of none if it needs more than kMostGivingWay.
/// Nothing else makes room: an unexpired enforce policy gives no place to one that does not
/// enforce, nor to another one of its own registered domain. One that grows when it is refreshed
/// keeps its place: the last sixteenth of the policies' memory is for such growth and never for
/// newcomers; only when that is used up as well does it lose it.
///
/// An unexpired enforce policy without a place stands on a shelf of its own, and is applied as long
/// as it lasts there. Those that never had a place leave that shelf before those that had one, and
/// of each the least recently used. What had a place keeps its row on disk meanwhile.
///
/// Only use() counts as use. A record keeps its address until it is forgotten.
class Book {
 public:
  /// KiB of policies that a registered domain has for certain: about eight ordinary policies.
  static constexpr std::size_t kFairShare = 8;
  /// Unexpired enforce policies that may leave their places for one newcomer.
  static constexpr std::size_t kMostGivingWay = 8;

  struct Limits {
    std::size_t policies = 100'000;
    std::size_t negatives = 50'000;
    std::size_t unplaced = 10'000;  ///< enforce policies without a place
    /// Where the negatives are full a registered domain with this weight gives way before others.
    std::size_t negatives_per_registered_domain = 500;
    std::size_t memory = std::size_t{256} << 20;  ///< bytes of all parts; see limit_of()
  };
  /// What the memory is shared out to: a half for the policies, a quarter for answers (replies and
  /// MX hosts of policies), an eighth each for enforce policies without a place and for negatives.
  enum class Part : std::uint8_t { policies, answers, unplaced, negatives };
  static constexpr std::array kParts{Part::policies, Part::answers, Part::unplaced,
                                     Part::negatives};

  /// `key` of the hashes, secret where names come from strangers.
  explicit Book(Limits limits, base::KeyedHash::Key key = {});
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  /// The record of a policy domain as base::DomainName::text() writes it, nullptr if nothing is
  /// known. Any other text finds nothing, so that a key which is found as it stands needs no
  /// parsing.
  Record* find(std::string_view domain);
  /// The same for a question of Postfix; what was used a long time ago makes room first.
  Record* use(std::string_view domain);
  /// The record of a domain, made if there is none; may push out another negative.
  Record& open(const base::DomainName& domain);
  /// Applies an event of the domain's life. Kept replies are dropped.
  sts::Next advance(const base::DomainName& domain, const sts::Event& event, base::WallTime now);
  /// Counts the bytes of a record again, whose replies or MX hosts were changed; may push out other
  /// answers and negatives, but not what is this record's.
  void account(Record& record);
  /// Drops the replies of a policy that hold no more, and MX hosts a day after their end.
  void drop_ended_answers(Record& record, base::WallTime now, base::SteadyTime steady);

  /// A policy that had to leave its place.
  struct Displaced {
    std::string domain;
    bool enforced = false;  ///< an unexpired enforce policy: it is on the shelf now; else forgotten
  };
  /// Whether there is a place for a policy, and who had to leave it.
  struct Place {
    bool kept = false;
    std::vector<Displaced> displaced{};
  };
  /// Puts the record of a domain whose policy is about to be stored among the policies.
  Place admit(const base::DomainName& domain, const sts::Policy& policy, base::WallTime now) {
    return admit(domain, policy, now, Counts::kept);
  }
  /// True if the domain's record is among the policies.
  bool is_placed(const std::string& domain) const { return policies_.contains(domain); }
  /// True if the domain's policy is to be on disk: it has a place, or had one and is remembered.
  bool has_row(const std::string& domain) const;
  /// Gives an unexpired enforce policy without a place one, if there is room, or if what does not
  /// protect makes room.
  Place settle(const std::string& domain, base::WallTime now);
  /// The domains with a row on disk that the book has forgotten for want of memory since the last
  /// call, in the order in which they left.
  std::vector<std::string> take_left() { return std::exchange(left_, {}); }
  /// Takes up a policy from an earlier life, whatever the limits of counts, as long as the memory
  /// lasts; then as admit() does. An unexpired enforce policy without a place goes to the shelf.
  Place restore(const base::DomainName& domain, std::shared_ptr<const sts::StoredPolicy> policy,
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
  /// For newcomers. A policy that has a place now keeps it until it expires or makes room for one
  /// of them; negatives, answers and what has no place leave at once.
  void set_limits(Limits limits);
  /// Forgets all that is known of a domain.
  void forget(const std::string& domain);

  /// Shows the policies on the next `share` of the shelf, beginning at `from`, to `look`, which
  /// must not add or forget any. Returns where to go on: `from` for the next call, 0 after the
  /// last.
  std::size_t walk(std::size_t from, double share,
                   const std::function<void(const std::string&, Record&)>& look);

  /// The same for the enforce policies that have no place, and those with a row on disk that have
  /// expired meanwhile.
  std::size_t walk_unplaced(std::size_t from, double share,
                            const std::function<void(const std::string&, Record&)>& look);

  const LifeTally& tally() const { return tally_; }
  std::size_t policies() const { return policies_.size(); }
  std::size_t unplaced() const {
    return list_of(Record::Place::unplaced).size() + list_of(Record::Place::displaced).size();
  }
  std::size_t negatives() const { return list_of(Record::Place::negative).size(); }
  /// Bytes that a part takes, and may take.
  std::size_t bytes(Part part) const { return bytes_[static_cast<std::size_t>(part)]; }
  std::size_t bytes() const;
  std::size_t limit_of(Part part) const;
  const Limits& limits() const { return limits_; }

 private:
  struct Hash {
    using is_transparent = void;
    base::KeyedHash keyed;
    // Not noexcept, so that libstdc++ keeps the hash in each node instead of making it again.
    std::size_t operator()(std::string_view key) const { return keyed(key); }
  };
  using Shelf = std::unordered_map<std::string, Record, Hash, std::equal_to<>>;
  struct Newcomer;
  enum class Counts : std::uint8_t { kept, ignored };  ///< whether Limits::policies binds

  Place admit(const base::DomainName& domain, const sts::Policy& policy, base::WallTime now,
              Counts counts);
  static std::size_t walk(Shelf& shelf, std::size_t from, double share,
                          const std::function<void(const std::string&, Record&)>& look);
  CachedDomain* look_up(std::string_view domain);
  CachedDomain* find_node(std::string_view domain);
  CachedDomain& open_node(const base::DomainName& domain);
  LruList& list_of(Record::Place place) { return lists_[static_cast<std::size_t>(place)]; }
  const LruList& list_of(Record::Place place) const {
    return lists_[static_cast<std::size_t>(place)];
  }
  std::size_t& bytes_of(Part part) { return bytes_[static_cast<std::size_t>(part)]; }

  void enter(CachedDomain& node, Record::Place place, base::WallTime now);
  void leave(CachedDomain& node);
  void move(CachedDomain& node, Record::Place place, base::WallTime now);
  void touch(Record& record);
  void measure(CachedDomain& node);
  void set_size(Record& record, std::size_t size);
  void set_answers(CachedDomain& node, std::size_t size);
  void trim(const CachedDomain* spared);
  CachedDomain* surplus_negative(const CachedDomain* spared);
  CachedDomain* surplus_unplaced(const CachedDomain* spared);
  void drop_surplus(CachedDomain& node);
  void drop(CachedDomain& node);

  bool make_room(Newcomer& newcomer, std::vector<Displaced>& displaced);
  std::size_t overrun(const Newcomer& newcomer) const;
  bool fits(const Newcomer& newcomer) const;
  std::size_t limit_for_newcomers() const;
  bool may_grow(const Newcomer& newcomer) const;
  void displace(CachedDomain& node, Newcomer& newcomer, std::vector<Displaced>& displaced);
  CachedDomain* replaceable(LruList& list, const Newcomer& newcomer);
  CachedDomain* make_way(const Newcomer& newcomer);
  std::vector<CachedDomain*> giving_way(const Newcomer& newcomer) const;

  Limits limits_;
  LifeTally tally_;
  unsigned era_ = 0;      ///< grows with forget_answers()
  unsigned attempt_ = 0;  ///< grows with forget_failures()
  DomainQuotas quotas_;
  Shelf policies_;   ///< enforcing and replaceable
  Shelf negatives_;  ///< unplaced, displaced and negative
  std::vector<std::string> left_;
  std::array<LruList, 5> lists_;  ///< by place, the least recently used first; enforcing: empty
  LruList answered_;              ///< those with answers, the oldest first
  std::array<std::size_t, 4> bytes_{};
};

}  // namespace tlspolicyd::service
