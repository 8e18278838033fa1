#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace tlspolicyd::service {

/// Lets something be done for a domain, and again only after a pause. The pause doubles, up to the
/// last one, each time it is done again soon. In memory only; when kMaxDomains are being paused at
/// once all begin again.
class DomainPauses {
 public:
  static constexpr std::size_t kMaxDomains = 4096;

  DomainPauses(base::seconds first, base::seconds last) : first_(first), last_(last) {}

  /// True if it may be done at `now`, which begins the next pause.
  bool begin(std::string_view domain, base::SteadyTime now) {
    const std::string key(domain);
    const auto found = pauses_.find(key);
    if (found == pauses_.end()) {
      make_room(now);
      pauses_.emplace(key, Pause{now + first_, first_});
      return true;
    }
    auto& pause = found->second;
    if (now < pause.until) return false;
    pause.length = now < pause.until + last_ ? std::min(pause.length * 2, last_) : first_;
    pause.until = now + pause.length;
    return true;
  }

  std::size_t size() const { return pauses_.size(); }

 private:
  struct Pause {
    base::SteadyTime until;
    base::seconds length;
  };

  void make_room(base::SteadyTime now) {
    if (pauses_.size() < kMaxDomains) return;
    std::erase_if(pauses_, [&](const auto& entry) { return now >= entry.second.until + last_; });
    if (pauses_.size() >= kMaxDomains) pauses_.clear();
  }

  base::seconds first_;
  base::seconds last_;
  std::unordered_map<std::string, Pause> pauses_;
};

}  // namespace tlspolicyd::service
