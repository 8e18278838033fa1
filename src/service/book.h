#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/domain_name.h"
#include "service/question.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::service {

/// A reply in the asker's own language, kept so that a settled question costs one look-up.
struct KeptReply {
  Terms terms;
  base::WallTime valid_until;
  std::string wire;
};

/// What is remembered of one policy domain.
struct Record {
  sts::Entry entry;
  std::vector<KeptReply> replies;                  ///< by terms; dropped whenever the entry changes
  std::list<const std::string*>::iterator turn{};  ///< the book's own
};

/// The book of policies: a record per policy domain, in memory.
///
/// Records with a policy and records without (negatives) stand on separate shelves; negatives are
/// bounded and the least recently used goes first, so they can never push out a policy
/// (decisions.md 19). A record keeps its address until it is forgotten. At the limit of policies a
/// new one stands among the negatives: it is answered while it lasts there.
class Book {
 public:
  struct Limits {
    std::size_t policies = 100'000;
    std::size_t negatives = 50'000;
  };

  explicit Book(Limits limits) : limits_(limits) {}

  /// The record of a policy domain as base::DomainName::text() writes it, nullptr if nothing is
  /// known. Counts as use of it. Any other text finds nothing, so that a key which is found as it
  /// stands needs no parsing.
  Record* find(std::string_view domain);
  /// The record of a domain, made if there is none; may push out another negative.
  Record& open(const base::DomainName& domain);
  /// Applies an event of the domain's life and keeps the book in order. Kept replies are dropped.
  sts::Next advance(const base::DomainName& domain, const sts::Event& event, base::WallTime now);

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
  void make_room();

  Limits limits_;
  Shelf policies_;
  Shelf negatives_;
  std::list<const std::string*> turns_;  ///< keys of negatives_, the least recently used first
};

}  // namespace tlspolicyd::service
