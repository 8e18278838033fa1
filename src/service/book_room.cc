// The part of the Book that counts its bytes and makes room.

#include <algorithm>
#include <utility>

#include "service/book.h"
#include "service/record_size.h"

namespace tlspolicyd::service {
namespace {

// Policies that one newcomer may displace: enough for the largest policy among ordinary ones.
constexpr std::size_t kMostDisplaced = 256;
// Policies that get their place back in one turn of the loop after a clock was corrected.
constexpr int kMostCorrected = 1000;

bool is_policy(const Record& record) {
  return record.place == Record::Place::enforcing || record.place == Record::Place::replaceable;
}

Book::Part part_of(Record::Place place) {
  switch (place) {
    case Record::Place::enforcing:
    case Record::Place::replaceable: return Book::Part::policies;
    case Record::Place::unplaced: return Book::Part::unplaced;
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
  Newcomer newcomer{.node = node,
                    .enforces = enforces,
                    .counts = !is_policy(record) && counts == Counts::kept,
                    .size = size_of(node.first, record, expected),
                    .now = now};
  Place place;
  place.kept = make_room(newcomer, place.displaced);
  if (!place.kept) {
    if (is_policy(record)) move(node, Record::Place::unplaced, now);
    trim(&node);
    return place;
  }
  // From now on: its policy is on its way to the disk.
  record.expected = static_cast<std::uint32_t>(expected);
  if (enforces || !is_policy(record))
    move(node, enforces ? Record::Place::enforcing : Record::Place::replaceable, now);
  measure(node);
  return place;
}

bool Book::make_room(Newcomer& newcomer, std::vector<Displaced>& displaced) {
  while (!fits(newcomer)) {
    auto* victim = displaced.size() < kMostDisplaced ? make_way(newcomer) : nullptr;
    if (!victim) return false;
    newcomer.has_place = true;
    newcomer.freed += victim->second.size;
    displaced.push_back({victim->first, is_unexpired_enforce(victim->second.entry, newcomer.now)});
    drop(*victim);
  }
  return true;
}

/// Bytes that are still to be freed. Where limits were lowered the book does not grow, but it does
/// not shrink either for a newcomer.
std::size_t Book::overrun(const Newcomer& newcomer) const {
  const auto wanted = bytes(Part::policies) + newcomer.growth();
  const auto limit = limit_of(Part::policies);
  if (wanted <= limit || newcomer.freed >= newcomer.growth()) return 0;
  return std::min(wanted - limit, newcomer.growth() - newcomer.freed);
}

bool Book::fits(const Newcomer& newcomer) const {
  const bool is_full = policies_.size() >= limits_.policies && !newcomer.has_place;
  return overrun(newcomer) == 0 && !(newcomer.counts && is_full);
}

/// The policy that has to leave for a newcomer, nullptr if none has.
CachedDomain* Book::make_way(const Newcomer& newcomer) {
  auto* largest = quotas_.largest_by_policies();
  if (largest)
    if (auto* found = replaceable(largest->policies, newcomer)) return found;
  if (auto* found = replaceable(list_of(Record::Place::replaceable), newcomer)) return found;
  auto* own = newcomer.node.second.quota;
  if (!newcomer.enforces || !largest || largest == own || largest->policies.empty()) return nullptr;
  auto* unused = largest->policies.front();
  // Otherwise the two would displace each other by turns; and nobody leaves for a newcomer that
  // finds no room all the same.
  const auto given = weight_of(std::max<std::size_t>(unused->second.size, overrun(newcomer)));
  const auto wanted = own->policy_weight + weight_of(newcomer.growth());
  return largest->policy_weight >= given + wanted ? unused : nullptr;
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
  if (!is_policy(record)) touch(record);
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
    case Record::Place::unplaced: put_last(list_of(record.place), record.turn); break;
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
    case Record::Place::unplaced: record.turn = turns.insert(turns.end(), &node); break;
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
  const auto is_too_much = [this](Record::Place place, std::size_t most) {
    const auto part = part_of(place);
    return list_of(place).size() > most || bytes(part) > limit_of(part);
  };
  while (is_too_much(Record::Place::negative, limits_.negatives)) {
    auto* surplus = surplus_negative(spared);
    if (!surplus) break;
    drop(*surplus);
  }
  auto& unplaced = list_of(Record::Place::unplaced);
  while (is_too_much(Record::Place::unplaced, limits_.unplaced) && !unplaced.empty() &&
         unplaced.front() != spared)
    drop(*unplaced.front());
  while (bytes(Part::answers) > limit_of(Part::answers) && !answered_.empty() &&
         answered_.front() != spared) {
    auto& node = *answered_.front();
    node.second.replies = std::vector<KeptReply>();
    node.second.mx.reset();
    measure(node);
  }
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
