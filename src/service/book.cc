#include "service/book.h"

#include <algorithm>
#include <utility>

namespace tlspolicyd::service {

Book::Book(Limits limits, base::KeyedHash::Key key)
    : limits_(limits),
      quotas_(base::KeyedHash(key)),
      policies_(0, Hash{base::KeyedHash(key)}),
      negatives_(0, Hash{base::KeyedHash(key)}) {}

Record* Book::find(std::string_view domain) {
  auto* node = find_node(domain);
  return node ? &node->second : nullptr;
}

CachedDomain* Book::find_node(std::string_view domain) {
  auto* node = look_up(domain);
  if (!node) return nullptr;
  auto& record = node->second;
  if (record.era != era_) {
    record.era = era_;
    record.replies = std::vector<KeptReply>();
    if (record.mx) record.mx = record.entry.stored ? outdated(*record.mx) : nullptr;
    measure(*node);
  }
  if (record.attempt != attempt_) {
    record.attempt = attempt_;
    sts::forget_failures(record.entry);
  }
  return node;
}

Record* Book::use(std::string_view domain) {
  auto* record = find(domain);
  if (record) touch(*record);
  return record;
}

CachedDomain* Book::look_up(std::string_view domain) {
  if (const auto found = policies_.find(domain); found != policies_.end()) return &*found;
  const auto found = negatives_.find(domain);
  return found == negatives_.end() ? nullptr : &*found;
}

Record& Book::open(const base::DomainName& domain) { return open_node(domain).second; }

CachedDomain& Book::open_node(const base::DomainName& domain) {
  if (auto* known = find_node(domain.text())) return *known;
  auto& node = *negatives_.try_emplace(domain.text()).first;
  auto& record = node.second;
  record.quota = &quotas_.add_record(domain);
  record.era = era_;
  record.attempt = attempt_;
  enter(node, Record::Place::negative, {});
  measure(node);
  trim(&node);
  return node;
}

sts::Next Book::advance(const base::DomainName& domain, const sts::Event& event,
                        base::WallTime now) {
  auto& node = open_node(domain);
  auto& record = node.second;
  tally_.count(event, record.entry);
  const auto next = sts::advance(record.entry, event, now);
  record.replies = std::vector<KeptReply>();
  if (std::holds_alternative<sts::PolicyFetched>(event)) reconsider(domain.text(), now);
  account(record);
  return next;
}

Book::Place Book::restore(const base::DomainName& domain,
                          std::shared_ptr<const sts::StoredPolicy> policy,
                          const sts::Upkeep& upkeep, base::WallTime now) {
  auto place = admit(domain, policy->policy, now, Counts::ignored);
  const bool protects = policy->policy.mode == sts::Mode::enforce && now < policy->expires_at;
  if (!place.kept && !protects) {
    if (const auto* known = find(domain.text()); !known->entry.stored) forget(domain.text());
    return place;
  }
  auto& record = open(domain);
  record.entry.stored = std::move(policy);
  record.entry.upkeep = upkeep;
  record.entry.txt_due = {};
  record.entry.refresh_at = {};
  record.used_noted = upkeep.used_at;
  record.has_row = true;
  record.replies = std::vector<KeptReply>();
  reconsider(domain.text(), now);
  account(record);
  return place;
}

void Book::reconsider(const std::string& domain, base::WallTime now) {
  auto* node = look_up(domain);
  if (!node) return;
  using enum Record::Place;
  node->second.expected = 0;
  const bool protects = is_unexpired_enforce(node->second.entry, now);
  if (policies_.contains(domain)) {
    move(*node, protects ? enforcing : replaceable, now);
  } else {
    move(*node, !protects ? negative : node->second.has_row ? displaced : unplaced, now);
  }
}

bool Book::has_row(const std::string& domain) const {
  if (is_placed(domain)) return true;
  const auto found = negatives_.find(domain);
  return found != negatives_.end() && found->second.has_row;
}

void Book::forget(const std::string& domain) {
  if (auto* node = look_up(domain)) drop(*node);
}

std::size_t Book::walk(std::size_t from, double share,
                       const std::function<void(const std::string&, Record&)>& look) {
  return walk(policies_, from, share, look);
}

std::size_t Book::walk_unplaced(std::size_t from, double share,
                                const std::function<void(const std::string&, Record&)>& look) {
  return walk(negatives_, from, share, [&look](const std::string& domain, Record& record) {
    const bool protects = record.place != Record::Place::negative;
    if (record.entry.stored && (protects || record.has_row)) look(domain, record);
  });
}

std::size_t Book::walk(Shelf& shelf, std::size_t from, double share,
                       const std::function<void(const std::string&, Record&)>& look) {
  // By buckets: they stay where they are unless the shelf grows, and then a walk that meets some
  // records twice or not at all does no harm.
  const auto buckets = shelf.bucket_count();
  const auto most = static_cast<std::size_t>(static_cast<double>(buckets) * share) + 1;
  const auto end = std::min(from + most, buckets);
  for (auto bucket = from; bucket < end; ++bucket)
    for (auto at = shelf.begin(bucket); at != shelf.end(bucket); ++at) look(at->first, at->second);
  return end >= buckets ? 0 : end;
}

void Book::set_limits(Limits limits) {
  limits_ = limits;
  trim(nullptr);
}

void Book::drop_ended_answers(Record& record, base::WallTime now, base::SteadyTime steady) {
  const auto before = record.replies.size();
  std::erase_if(record.replies, [&](const KeptReply& kept) { return !kept.holds(now, steady); });
  const bool has_lost_some = record.replies.size() != before;
  if (record.replies.empty()) record.replies = std::vector<KeptReply>();
  const bool mx_ended = record.mx && !record.mx->is_useful(steady);
  if (mx_ended) record.mx.reset();
  if (has_lost_some || mx_ended) account(record);
}

}  // namespace tlspolicyd::service
