#include "service/book.h"

#include <algorithm>
#include <utility>

#include "base/registered_domain.h"

namespace tlspolicyd::service {
namespace {

std::size_t owner_of(const base::DomainName& domain) {
  return std::hash<std::string>{}(base::registered_domain(domain));
}

bool is_unexpired_enforce(const sts::Entry& entry, base::WallTime now) {
  return entry.is_valid(now) && entry.stored->policy.mode == sts::Mode::enforce;
}

}  // namespace

Record* Book::find(std::string_view domain) {
  auto* record = look_up(domain);
  if (record && record->era != era_) {
    record->era = era_;
    record->replies.clear();
    record->mx.reset();
  }
  if (record && record->attempt != attempt_) {
    record->attempt = attempt_;
    sts::forget_failures(record->entry);
  }
  return record;
}

Record* Book::look_up(std::string_view domain) {
  if (const auto found = policies_.find(domain); found != policies_.end()) {
    auto& record = found->second;
    if (record.replaceable)
      replaceable_turns_.splice(replaceable_turns_.end(), replaceable_turns_, record.turn);
    return &record;
  }
  const auto found = negatives_.find(domain);
  if (found == negatives_.end()) return nullptr;
  negative_turns_.splice(negative_turns_.end(), negative_turns_, found->second.turn);
  return &found->second;
}

Record& Book::open(const base::DomainName& domain) {
  if (auto* known = find(domain.text())) return *known;
  const auto owner = owner_of(domain);
  make_room(owner);
  const auto [made, inserted] = negatives_.try_emplace(domain.text());
  made->second.turn = negative_turns_.insert(negative_turns_.end(), &made->first);
  made->second.owner = owner;
  made->second.era = era_;
  made->second.attempt = attempt_;
  auto& share = owners_[owner];
  ++share.negatives;
  share.latest = &made->first;
  return made->second;
}

sts::Next Book::advance(const base::DomainName& domain, const sts::Event& event,
                        base::WallTime now) {
  auto& record = open(domain);
  tally_.count(event, record.entry);
  const auto next = sts::advance(record.entry, event, now);
  record.replies.clear();
  if (std::holds_alternative<sts::PolicyFetched>(event)) reconsider(domain.text(), now);
  return next;
}

Book::Place Book::admit(const base::DomainName& domain, const sts::Policy& policy,
                        base::WallTime now) {
  Place place;
  auto& record = open(domain);
  auto known = policies_.find(domain.text());
  if (known == policies_.end()) {
    if (owners_[record.owner].policies >= limits_.policies_per_registered_domain) return place;
    if (policies_.size() >= limits_.policies) {
      place.displaced = displace(now);
      if (!place.displaced) return place;
    }
    to_policies(negatives_.find(domain.text()));
    known = policies_.find(domain.text());
  }
  // From now on: its policy is on its way to the disk.
  if (policy.mode == sts::Mode::enforce) keep_its_place(known);
  place.kept = true;
  return place;
}

Record& Book::restore(const base::DomainName& domain,
                      std::shared_ptr<const sts::StoredPolicy> policy, const sts::Upkeep& upkeep,
                      base::WallTime now) {
  open(domain);
  if (const auto found = negatives_.find(domain.text()); found != negatives_.end())
    to_policies(found);
  auto& record = policies_.find(domain.text())->second;
  record.entry.stored = std::move(policy);
  record.entry.upkeep = upkeep;
  record.entry.txt_due = {};
  record.entry.refresh_at = {};
  record.replies.clear();
  reconsider(domain.text(), now);
  return record;
}

void Book::reconsider(const std::string& domain, base::WallTime now) {
  const auto found = policies_.find(domain);
  if (found == policies_.end()) return;
  if (is_unexpired_enforce(found->second.entry, now)) {
    keep_its_place(found);
  } else {
    make_replaceable(found, now);
  }
}

void Book::forget(const std::string& domain) {
  if (const auto found = policies_.find(domain); found != policies_.end()) {
    keep_its_place(found);
    release(found->second.owner, &Owner::policies);
    policies_.erase(found);
  } else if (const auto negative = negatives_.find(domain); negative != negatives_.end()) {
    drop_negative(&negative->first);
  }
}

std::size_t Book::walk(std::size_t from, double share,
                       const std::function<void(const std::string&, Record&)>& look) {
  // By buckets: they stay where they are unless the shelf grows, and then a walk that meets some
  // records twice or not at all does no harm.
  const auto buckets = policies_.bucket_count();
  const auto most = static_cast<std::size_t>(static_cast<double>(buckets) * share) + 1;
  const auto end = std::min(from + most, buckets);
  for (auto bucket = from; bucket < end; ++bucket)
    for (auto at = policies_.begin(bucket); at != policies_.end(bucket); ++at)
      look(at->first, at->second);
  return end >= buckets ? 0 : end;
}

void Book::set_limits(Limits limits) {
  limits_ = limits;
  while (!negative_turns_.empty() && negatives_.size() > limits_.negatives)
    drop_negative(negative_turns_.front());
}

/// A place for one more negative: its owner's newest, if the owner has used up its share, else the
/// least recently used of all.
void Book::make_room(std::size_t owner) {
  const auto share = owners_.find(owner);
  if (share != owners_.end() && share->second.latest &&
      share->second.negatives >= limits_.negatives_per_registered_domain)
    drop_negative(share->second.latest);
  while (!negative_turns_.empty() && negatives_.size() >= limits_.negatives)
    drop_negative(negative_turns_.front());
}

void Book::drop_negative(const std::string* key) {
  const auto found = negatives_.find(*key);
  negative_turns_.erase(found->second.turn);
  const auto owner = found->second.owner;
  if (owners_[owner].latest == &found->first) owners_[owner].latest = nullptr;
  negatives_.erase(found);
  release(owner, &Owner::negatives);
}

void Book::to_policies(Shelf::iterator negative) {
  auto& record = negative->second;
  auto& owner = owners_[record.owner];
  if (owner.latest == &negative->first) owner.latest = nullptr;
  --owner.negatives;
  ++owner.policies;
  replaceable_turns_.splice(replaceable_turns_.end(), negative_turns_, record.turn);
  // The node moves as it is: the record keeps its address.
  policies_.insert(negatives_.extract(negative));
}

/// Forgets the least recently used policy that makes room, and names it.
std::optional<std::string> Book::displace(base::WallTime now) {
  while (!replaceable_turns_.empty()) {
    const auto found = policies_.find(*replaceable_turns_.front());
    keep_its_place(found);
    if (is_unexpired_enforce(found->second.entry, now)) continue;
    auto name = found->first;
    release(found->second.owner, &Owner::policies);
    policies_.erase(found);
    return name;
  }
  return std::nullopt;
}

void Book::keep_its_place(Shelf::iterator policy) {
  auto& record = policy->second;
  if (!record.replaceable) return;
  record.replaceable = false;
  replaceable_turns_.erase(record.turn);
}

void Book::make_replaceable(Shelf::iterator policy, base::WallTime now) {
  auto& record = policy->second;
  if (record.replaceable) return;
  record.replaceable = true;
  // What has expired goes before what is still applied.
  const auto place =
      record.entry.is_valid(now) ? replaceable_turns_.end() : replaceable_turns_.begin();
  record.turn = replaceable_turns_.insert(place, &policy->first);
}

void Book::release(std::size_t owner, std::size_t Owner::*count) {
  const auto found = owners_.find(owner);
  --(found->second.*count);
  if (found->second.policies == 0 && found->second.negatives == 0) owners_.erase(found);
}

}  // namespace tlspolicyd::service
