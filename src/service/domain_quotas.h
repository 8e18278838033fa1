#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/domain_name.h"
#include "base/keyed_hash.h"

namespace tlspolicyd::service {

struct Record;
/// A domain of the book and its record, at an address that stays until it is forgotten.
using CachedDomain = std::pair<const std::string, Record>;
using LruList = std::list<CachedDomain*>;

/// What one registered domain has in the book. The weight of a record is its size in started KiB,
/// so that one ordinary policy weighs 1 and one of the largest about 100.
struct DomainQuota {
  std::uint64_t key = 0;
  std::size_t records = 0;  ///< of all kinds
  LruList policies;         ///< first those that make room for any other, then by use
  LruList negatives;        ///< the least recently used first
  std::size_t policy_weight = 0;
  std::size_t negative_weight = 0;
};

/// The quotas of all registered domains, and which of them is the largest. A registered domain is
/// known by a keyed hash of its name, so that no other one can be made to share its quota.
class DomainQuotas {
 public:
  explicit DomainQuotas(base::KeyedHash hash) : hash_(hash) {}

  /// The quota of the domain's registered domain, made if there is none; it has one record more.
  /// It keeps its address until its last record is released.
  DomainQuota& add_record(const base::DomainName& domain);
  void release_record(DomainQuota& quota);

  void change_policy_weight(DomainQuota& quota, std::size_t from, std::size_t to);
  void change_negative_weight(DomainQuota& quota, std::size_t from, std::size_t to);

  /// The heaviest by policies or negatives, in constant time; nullptr if none weighs more than 1:
  /// a registered domain with a single ordinary record is never the one that has too many.
  DomainQuota* largest_by_policies() const { return by_policies_.largest(); }
  DomainQuota* largest_by_negatives() const { return by_negatives_.largest(); }

 private:
  class Ranking {
   public:
    void move(DomainQuota& quota, std::size_t from, std::size_t to);
    DomainQuota* largest() const { return order_.empty() ? nullptr : order_.rbegin()->second; }

   private:
    struct Lighter {
      using Place = std::pair<std::size_t, DomainQuota*>;
      bool operator()(const Place& a, const Place& b) const {
        return a.first != b.first ? a.first < b.first : a.second->key < b.second->key;
      }
    };
    std::set<Lighter::Place, Lighter> order_;  ///< without those of weight 0 and 1
  };

  base::KeyedHash hash_;
  std::unordered_map<std::uint64_t, DomainQuota> quotas_;
  Ranking by_policies_;
  Ranking by_negatives_;
};

}  // namespace tlspolicyd::service
