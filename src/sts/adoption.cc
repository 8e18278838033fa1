#include "sts/adoption.h"

#include <algorithm>
#include <tuple>

namespace tlspolicyd::sts {
namespace {

std::vector<std::string> texts(const std::vector<MxPattern>& patterns) {
  std::vector<std::string> texts;
  for (const auto& pattern : patterns) texts.push_back(pattern.text());
  return texts;
}

/// A total order, the same on all nodes: of two policies of one second the one that asks for more
/// wins, else any, but the same everywhere.
bool is_later(const StoredPolicy& a, const StoredPolicy& b) {
  const auto key = [](const StoredPolicy& stored) {
    const auto& policy = stored.policy;
    // Modes are declared in descending order.
    return std::tuple(stored.fetched_at, -static_cast<int>(policy.mode), stored.expires_at,
                      stored.id, policy.max_age, policy.line_order);
  };
  const auto key_a = key(a);
  const auto key_b = key(b);
  return key_a != key_b ? key_a > key_b : texts(a.policy.mx) > texts(b.policy.mx);
}

}  // namespace

Offer judge(const Entry& entry, const StoredPolicy& offered, base::WallTime now) {
  const auto longest = std::max(offered.policy.max_age, Timing::kFetchFloor);
  if (offered.fetched_at > now + kClockSkew || offered.expires_at > offered.fetched_at + longest)
    return Offer::wrong;
  if (now >= offered.expires_at) return Offer::expired;
  if (!entry.stored || is_later(offered, *entry.stored)) return Offer::better;
  return is_later(*entry.stored, offered) ? Offer::outdated : Offer::equal;
}

}  // namespace tlspolicyd::sts
