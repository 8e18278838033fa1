#include "service/book.h"

namespace tlspolicyd::service {

Record* Book::find(std::string_view domain) {
  if (const auto found = policies_.find(domain); found != policies_.end()) return &found->second;
  const auto found = negatives_.find(domain);
  if (found == negatives_.end()) return nullptr;
  turns_.splice(turns_.end(), turns_, found->second.turn);
  return &found->second;
}

Record& Book::open(const base::DomainName& domain) {
  if (auto* known = find(domain.text())) return *known;
  make_room();
  const auto [made, inserted] = negatives_.try_emplace(domain.text());
  made->second.turn = turns_.insert(turns_.end(), &made->first);
  return made->second;
}

sts::Next Book::advance(const base::DomainName& domain, const sts::Event& event,
                        base::WallTime now) {
  auto& record = open(domain);
  const auto next = sts::advance(record.entry, event, now);
  record.replies.clear();
  if (record.entry.stored && policies_.size() < limits_.policies) {
    if (const auto found = negatives_.find(domain.text()); found != negatives_.end()) {
      turns_.erase(record.turn);
      // The node moves as it is: the record keeps its address.
      policies_.insert(negatives_.extract(found));
    }
  }
  return next;
}

void Book::make_room() {
  while (!turns_.empty() && negatives_.size() >= limits_.negatives) {
    // The list holds the key of the node itself; copied, since erasing the node frees it.
    const std::string oldest = *turns_.front();
    turns_.pop_front();
    negatives_.erase(oldest);
  }
}

}  // namespace tlspolicyd::service
