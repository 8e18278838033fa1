#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tlspolicyd::postfix {

class Connection;

/// The connections that wait for an answer, and which of them gives way when there are too many
/// (decision 31).
///
/// Each waits under a key, the registered domain of the policy domain. The key with the most
/// waiting connections gives way first, and of its connections the one that has waited longest.
/// Where several keys have the same number, the key of the connection that has waited longest
/// gives way. So a domain that does not answer, asked for on any number of connections, ends those
/// and not the only one that waits for another domain.
///
/// Refers to the connections and owns none.
class WaitingClients {
 public:
  /// REQUIRES: `connection` does not wait yet.
  void add(Connection& connection, std::string_view key);
  /// Does nothing if `connection` does not wait.
  void remove(Connection& connection);

  bool contains(const Connection& connection) const { return places_.contains(&connection); }
  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }

  /// The connection that gives way; nullptr if none waits.
  Connection* first_to_give_way() const;

 private:
  /// By the time at which the connection began to wait.
  using Group = std::map<std::uint64_t, Connection*>;
  struct Place {
    std::string key;
    std::uint64_t since;
  };
  /// The order in which keys give way: the size negated, the oldest, the key.
  using Rank = std::pair<std::pair<std::ptrdiff_t, std::uint64_t>, std::string>;
  static Rank rank_of(const std::string& key, const Group& group);
  template <class Change>
  void change(const std::string& key, Change change);

  std::unordered_map<const Connection*, Place> places_;
  std::unordered_map<std::string, Group> groups_;
  std::set<Rank> ranks_;
  std::uint64_t next_ = 0;
};

}  // namespace tlspolicyd::postfix
