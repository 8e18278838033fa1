#include "service/record_size.h"

#include <algorithm>
#include <vector>

namespace tlspolicyd::service {
namespace {

// What make_shared adds to an object.
constexpr std::size_t kShared = 16;
// The longest id of a policy (RFC 8461 3.1).
constexpr std::size_t kLongestId = 32;

/// A piece of the heap: malloc adds a header, and rounds up.
constexpr std::size_t heap(std::size_t size) {
  return size == 0 ? 0 : std::max<std::size_t>((size + 8 + 15) / 16 * 16, 32);
}

std::size_t text(std::size_t size) {
  static const auto kInPlace = std::string().capacity();
  return size <= kInPlace ? 0 : heap(size + 1);
}

std::size_t names(const std::vector<std::string>& all) {
  auto size = heap(all.capacity() * sizeof(std::string));
  for (const auto& name : all) size += text(name.capacity());
  return size;
}

std::size_t size_of(const MxHosts& hosts) {
  auto size = heap(sizeof(MxHosts) + kShared) + names(hosts.names) +
              heap(hosts.earlier.capacity() * sizeof(MxHosts::Earlier));
  for (const auto& seen : hosts.earlier) size += text(seen.name.capacity());
  return size;
}

}  // namespace

std::size_t size_of(const sts::Policy& policy) {
  auto size = heap(sizeof(sts::StoredPolicy) + kShared) + text(kLongestId) +
              text(policy.line_order.capacity()) +
              heap(policy.mx.capacity() * sizeof(sts::MxPattern));
  for (const auto& pattern : policy.mx) size += text(pattern.text().capacity());
  return size;
}

std::size_t size_of(const std::string& domain, const Record& record, std::size_t policy_size) {
  // A node of the map has a pointer and a hash beside the pair; two places in lists; a share of the
  // bucket array, and of its quota.
  constexpr std::size_t kNode = heap(sizeof(CachedDomain) + 2 * sizeof(void*)) +
                                2 * heap(3 * sizeof(void*)) + 2 * sizeof(void*) +
                                heap(sizeof(DomainQuota) + 2 * sizeof(void*));
  const auto& entry = record.entry;
  auto size = kNode + text(domain.capacity());
  size += std::max(policy_size, entry.stored ? size_of(entry.stored->policy) : 0);
  for (const auto& failure : entry.failed)
    size += heap(sizeof(failure) + sizeof(void*)) + text(failure.id.capacity()) +
            text(failure.why.text.capacity());
  if (entry.superseded)
    size += heap(sizeof(*entry.superseded) + kShared) + text(entry.superseded->id.capacity());
  if (entry.dns_error)
    size += heap(sizeof(*entry.dns_error) + kShared) + text(entry.dns_error->capacity());
  return size;
}

std::size_t size_of_answers(const Record& record) {
  auto size = heap(record.replies.capacity() * sizeof(KeptReply));
  for (const auto& reply : record.replies) size += text(reply.wire.capacity());
  if (record.mx) size += size_of(*record.mx);
  // A place in the list of what is kept.
  return size == 0 ? 0 : size + heap(3 * sizeof(void*));
}

}  // namespace tlspolicyd::service
