// The part of the Book that counts its bytes and makes room.

#include <algorithm>
#include <utility>

#include "service/book.h"
#include "service/record_size.h"

namespace tlspolicyd::service {
namespace {

// Policies that do not protect and that one newcomer may displace: enough for the largest policy
// among ordinary ones.
constexpr std::size_t kMostDisplaced = 256;
// The part of the policies' memory that is for the growth of those that have a place.
constexpr std::size_t kForGrowth = 16;
// Policies that get their place back in one turn of the loop after a clock was corrected.
constexpr int kMostCorrected = 1000;

bool is_policy(const Record& record) {
  return record.place == Record::Place::enforcing || record.place == Record::Place::replaceable;
}

Book::Part part_of(Record::Place place) {
  switch (place) {
    case Record::Place::enforcing:
    case Record::Place::replaceable: return Book::Part::policies;
    case Record::Place::unplaced:
    case Record::Place::displaced: return Book::Part::unplaced;
    case Record::Place::negative: break;
  }
  return Book::Part::negatives;
}

std::size_t weight_of(std::size_t size) { return (size + 1023) / 1024; }

/// Puts an element of a list at its end; nothing to do in a list of one.
void put_last(LruList& list, LruList::iterator at) {
  if (std::next(at) != list.end()) list.splice(list.end(), list, at);
}

}  // namespace

/// Who wants a place among the policies, or a larger one.
struct Book::Newcomer {
  CachedDomain& node;
  bool enforces;
  bool counts;  ///< takes one more place of cache.policies
  std::size_t size;
  base::WallTime now;
  bool only_room = false;  ///< no policy that protects has to leave for it
  std::size_t limit = 0;   ///< bytes that the policies may take with it
  bool has_place = false;  ///< somebody has left
  std::size_t freed = 0;   ///< bytes of those who have

  std::size_t growth() const {
    const auto& record = node.second;
    const auto has = is_policy(record) ? record.size : 0;
    return size > has ? size - has : 0;
  }
};

Book::Place Book::admit(const base::DomainName& domain, const sts::Policy& policy,
                        base::WallTime now, Counts counts) {
  auto& node = open_node(domain);
  auto& record = node.second;
  const bool enforces = policy.mode == sts::Mode::enforce;
  const auto expected = size_of(policy);
  Newcomer newcomer{
      .node = node,
      .enforces = enforces,
      .counts = !is_policy(record) && counts == Counts::kept,
      .size = size_of(node.first, record, expected),
      .now = now,
      .limit = counts == Counts::kept ? limit_for_newcomers() : limit_of(Part::policies)};
  Place place;
  place.kept = make_room(newcomer, place.displaced) || may_grow(newcomer);
  if (!place.kept) {
    if (is_policy(record)) move(node, Record::Place::displaced, now);
    trim(&node);
    return place;
  }
  // From now on: its policy is on its way to the disk.
  record.has_row = true;
  record.expected = static_cast<std::uint32_t>(expected);
  if (enforces || !is_policy(record))
    move(node, enforces ? Record::Place::enforcing : Record::Place::replaceable, now);
  measure(node);
  trim(&node);
  return place;
}

Book::Place Book::settle(const std::string& domain, base::WallTime now) {
  Place place;
  auto* node = look_up(domain);
  if (!node || is_policy(node->second) || !is_unexpired_enforce(node->second.entry, now))
    return place;
  Newcomer newcomer{.node = *node,
                    .enforces = true,
                    .counts = true,
                    .size = size_of(node->first, node->second, 0),
                    .now = now,
                    .only_room = true,
                    .limit = limit_for_newcomers()};
  place.kept = make_room(newcomer, place.displaced);
  if (!place.kept) return place;
  node->second.has_row = true;
  move(*node, Record::Place::enforcing, now);
  trim(node);
  return place;
}

bool Book::make_room(Newcomer& newcomer, std::vector<Displaced>& displaced) {
  while (!fits(newcomer)) {
    auto* victim = displaced.size() < kMostDisplaced ? make_way(newcomer) : nullptr;
    if (!victim) {
      const auto giving = giving_way(newcomer);
      for (auto* node : giving) displace(*node, newcomer, displaced);
      return !giving.empty();
    }
    displace(*victim, newcomer, displaced);
  }
  return true;
}

/// What protects goes to the shelf, and keeps its row; all else is forgotten.
void Book::displace(CachedDomain& node, Newcomer& newcomer, std::vector<Displaced>& displaced) {
  const bool protects = is_unexpired_enforce(node.second.entry, newcomer.now);
  newcomer.has_place = true;
  newcomer.freed += node.second.size;
  displaced.push_back({node.first, protects});
  if (protects) {
    move(node, Record::Place::displaced, newcomer.now);
  } else {
    drop(node);
  }
}

std::size_t Book::limit_for_newcomers() const {
  const auto limit = limit_of(Part::policies);
  return limit - limit / kForGrowth;
}

/// Whether a policy that protects, and has a place, keeps it though nobody makes room.
bool Book::may_grow(const Newcomer& newcomer) const {
  const auto& record = newcomer.node.second;
  if (!is_policy(record) || !is_unexpired_enforce(record.entry, newcomer.now)) return false;
  return bytes(Part::policies) + newcomer.growth() <= limit_of(Part::policies);
}

/// Bytes that are still to be freed. Where limits were lowered the book does not grow, but it does
/// not shrink either for a newcomer.
std::size_t Book::overrun(const Newcomer& newcomer) const {
  const auto wanted = bytes(Part::policies) + newcomer.growth();
  const auto limit = newcomer.limit;
  if (wanted <= limit || newcomer.freed >= newcomer.growth()) return 0;
  return std::min(wanted - limit, newcomer.growth() - newcomer.freed);
}

bool Book::fits(const Newcomer& newcomer) const {
  const bool is_full = policies_.size() >= limits_.policies && !newcomer.has_place;
  return overrun(newcomer) == 0 && !(newcomer.counts && is_full);
}

/// A policy that does not protect and has to leave for a newcomer, nullptr if there is none.
CachedDomain* Book::make_way(const Newcomer& newcomer) {
  auto* largest = quotas_.largest_by_policies();
  if (largest)
    if (auto* found = replaceable(largest->policies, newcomer)) return found;
  return replaceable(list_of(Record::Place::replaceable), newcomer);
}

/// The policies that protect and have to leave for a newcomer, none if that would not be enough.
std::vector<CachedDomain*> Book::giving_way(const Newcomer& newcomer) const {
  const auto* largest = quotas_.largest_by_policies();
  const auto* own = newcomer.node.second.quota;
  if (!newcomer.enforces || newcomer.only_room || !largest || largest == own) return {};
  // Strictly more: afterwards both weigh less than the one did, so that no sequence of newcomers
  // displaces policies by turns.
  const auto wanted = own->policy_weight + weight_of(newcomer.growth());
  if (largest->policy_weight <= std::max(kFairShare, wanted)) return {};
  const auto missing = overrun(newcomer);
  std::size_t given = 0;
  std::vector<CachedDomain*> giving;
  for (auto* unused : largest->policies) {
    if (giving.size() == kMostGivingWay) break;
    giving.push_back(unused);
    given += unused->second.size;
    if (given >= missing) return giving;
  }
  return {};
}

/// The first of a list of policies if it makes room for any newcomer. What turns out to protect,
/// since a clock was corrected, gets its place back.
CachedDomain* Book::replaceable(LruList& list, const Newcomer& newcomer) {
  int corrected = 0;
  for (auto at = list.begin(); at != list.end() && corrected < kMostCorrected; ++corrected) {
    auto* node = *at++;
    if (node->second.place != Record::Place::replaceable) return nullptr;
    if (node == &newcomer.node) continue;
    if (!is_unexpired_enforce(node->second.entry, newcomer.now)) return node;
    // Leaves both lists, or goes to the end of the one.
    move(*node, Record::Place::enforcing, newcomer.now);
  }
  return nullptr;
}

std::size_t Book::bytes() const {
  std::size_t sum = 0;
  for (const auto part : kParts) sum += bytes(part);
  return sum;
}

std::size_t Book::limit_of(Part part) const {
  switch (part) {
    case Part::policies: return limits_.memory / 2;
    case Part::answers: return limits_.memory / 4;
    case Part::unplaced:
    case Part::negatives: break;
  }
  return limits_.memory / 8;
}

void Book::account(Record& record) {
  auto& node = is_policy(record) ? **record.own : **record.turn;
  measure(node);
  if (record.place == Record::Place::negative) touch(record);
  trim(&node);
}

void Book::measure(CachedDomain& node) {
  auto& record = node.second;
  const auto answers = size_of_answers(record);
  const auto size = size_of(node.first, record, record.expected);
  set_size(record, is_policy(record) ? size : size + answers);
  set_answers(node, is_policy(record) ? answers : 0);
}

void Book::set_size(Record& record, std::size_t size) {
  bytes_of(part_of(record.place)) += size - record.size;
  const auto from = weight_of(record.size);
  if (is_policy(record)) quotas_.change_policy_weight(*record.quota, from, weight_of(size));
  if (record.place == Record::Place::negative)
    quotas_.change_negative_weight(*record.quota, from, weight_of(size));
  record.size = static_cast<std::uint32_t>(size);
}

void Book::set_answers(CachedDomain& node, std::size_t size) {
  auto& record = node.second;
  if (size == record.answers) return;
  if (record.answers > 0) answered_.erase(record.answered);
  if (size > 0) record.answered = answered_.insert(answered_.end(), &node);
  bytes_of(Part::answers) += size - record.answers;
  record.answers = static_cast<std::uint32_t>(size);
}

void Book::touch(Record& record) {
  switch (record.place) {
    case Record::Place::replaceable: put_last(list_of(record.place), record.turn); break;
    case Record::Place::enforcing: put_last(record.quota->policies, record.own); break;
    case Record::Place::unplaced:
    case Record::Place::displaced: put_last(list_of(record.place), record.turn); break;
    case Record::Place::negative:
      put_last(list_of(record.place), record.turn);
      put_last(record.quota->negatives, record.own);
      break;
  }
}

void Book::enter(CachedDomain& node, Record::Place place, base::WallTime now) {
  auto& record = node.second;
  auto& turns = list_of(place);
  auto& own = *record.quota;
  record.place = place;
  switch (place) {
    case Record::Place::replaceable:
      // What has expired goes before what is still applied.
      record.turn = turns.insert(
          record.entry.stored && !record.entry.is_valid(now) ? turns.begin() : turns.end(), &node);
      record.own = own.policies.insert(own.policies.begin(), &node);
      break;
    case Record::Place::enforcing:
      record.own = own.policies.insert(own.policies.end(), &node);
      break;
    case Record::Place::unplaced:
    case Record::Place::displaced: record.turn = turns.insert(turns.end(), &node); break;
    case Record::Place::negative:
      record.turn = turns.insert(turns.end(), &node);
      record.own = own.negatives.insert(own.negatives.end(), &node);
      break;
  }
}

void Book::leave(CachedDomain& node) {
  auto& record = node.second;
  set_answers(node, 0);
  set_size(record, 0);
  if (record.place != Record::Place::enforcing) list_of(record.place).erase(record.turn);
  if (is_policy(record)) record.quota->policies.erase(record.own);
  if (record.place == Record::Place::negative) record.quota->negatives.erase(record.own);
}

void Book::move(CachedDomain& node, Record::Place place, base::WallTime now) {
  auto& record = node.second;
  if (record.place == place) return;
  const bool was_policy = is_policy(record);
  leave(node);
  enter(node, place, now);
  // The node moves as it is: the record keeps its address.
  if (was_policy && !is_policy(record)) negatives_.insert(policies_.extract(node.first));
  if (!was_policy && is_policy(record)) policies_.insert(negatives_.extract(node.first));
  measure(node);
}

void Book::drop(CachedDomain& node) {
  leave(node);
  auto& shelf = is_policy(node.second) ? policies_ : negatives_;
  quotas_.release_record(*node.second.quota);
  shelf.erase(shelf.find(node.first));
}

/// What is too much of negatives, of policies without a place and of answers goes, but for what is
/// `spared`.
void Book::trim(const CachedDomain* spared) {
  while (negatives() > limits_.negatives || bytes(Part::negatives) > limit_of(Part::negatives)) {
    auto* surplus = surplus_negative(spared);
    if (!surplus) break;
    drop_surplus(*surplus);
  }
  while (unplaced() > limits_.unplaced || bytes(Part::unplaced) > limit_of(Part::unplaced)) {
    auto* surplus = surplus_unplaced(spared);
    if (!surplus) break;
    drop_surplus(*surplus);
  }
  while (bytes(Part::answers) > limit_of(Part::answers) && !answered_.empty() &&
         answered_.front() != spared) {
    auto& node = *answered_.front();
    node.second.replies = std::vector<KeptReply>();
    node.second.mx.reset();
    measure(node);
  }
}

/// The least recently used policy without a place: of those that never had one, else of all.
CachedDomain* Book::surplus_unplaced(const CachedDomain* spared) {
  for (const auto place : {Record::Place::unplaced, Record::Place::displaced})
    for (auto* node : list_of(place))
      if (node != spared) return node;
  return nullptr;
}

void Book::drop_surplus(CachedDomain& node) {
  if (node.second.has_row) left_.push_back(node.first);
  drop(node);
}

/// The least recently used negative of the largest registered domain, if that has more than its
/// share, else of all.
CachedDomain* Book::surplus_negative(const CachedDomain* spared) {
  const auto* largest = quotas_.largest_by_negatives();
  if (largest && largest->negative_weight >= limits_.negatives_per_registered_domain &&
      largest->negatives.front() != spared)
    return largest->negatives.front();
  const auto& all = list_of(Record::Place::negative);
  return all.empty() || all.front() == spared ? nullptr : all.front();
}

}  // namespace tlspolicyd::service
