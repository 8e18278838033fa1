#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tlspolicyd::bench {

/// Every measured delay, kept whole, so that percentiles are exact.
class Latencies {
 public:
  void add(std::int64_t nanoseconds) {
    values_.push_back(nanoseconds);
    sorted_ = false;
  }

  /// The delay, in microseconds, that `fraction` (0 to 1) of all do not exceed (nearest rank).
  /// Zero if nothing was measured.
  double percentile(double fraction) {
    if (values_.empty()) return 0;
    if (!sorted_) std::sort(values_.begin(), values_.end());
    sorted_ = true;
    const auto rank = std::ceil(fraction * static_cast<double>(values_.size()));
    const auto index =
        std::min(values_.size() - 1, static_cast<std::size_t>(std::max(rank, 1.0)) - 1);
    return static_cast<double>(values_[index]) / 1000;
  }

 private:
  std::vector<std::int64_t> values_;
  bool sorted_ = false;
};

}  // namespace tlspolicyd::bench
