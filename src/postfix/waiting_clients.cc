#include "postfix/waiting_clients.h"

namespace tlspolicyd::postfix {

WaitingClients::Rank WaitingClients::rank_of(const std::string& key, const Group& group) {
  return {{-static_cast<std::ptrdiff_t>(group.size()), group.begin()->first}, key};
}

/// Changes a group and keeps the order of all; a group without a connection is erased.
template <class Change>
void WaitingClients::change(const std::string& key, Change change) {
  const auto at = groups_.try_emplace(key).first;
  auto& group = at->second;
  if (!group.empty()) ranks_.erase(rank_of(key, group));
  change(group);
  if (group.empty()) {
    groups_.erase(at);
  } else {
    ranks_.insert(rank_of(key, group));
  }
}

void WaitingClients::add(Connection& connection, std::string_view key) {
  const auto since = next_++;
  const auto& place = places_.emplace(&connection, Place{std::string(key), since}).first->second;
  change(place.key, [&](Group& group) { group.emplace(since, &connection); });
}

void WaitingClients::remove(Connection& connection) {
  const auto at = places_.find(&connection);
  if (at == places_.end()) return;
  const auto place = std::move(at->second);
  places_.erase(at);
  change(place.key, [&](Group& group) { group.erase(place.since); });
}

Connection* WaitingClients::first_to_give_way() const {
  if (ranks_.empty()) return nullptr;
  return groups_.at(ranks_.begin()->second).begin()->second;
}

}  // namespace tlspolicyd::postfix
