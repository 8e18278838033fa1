#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tlspolicyd::base {

/// Counts durations by buckets, as Prometheus's histograms have them. Seconds.
class Histogram {
 public:
  /// `bounds` are the buckets' upper ends, ascending; a last one takes the rest.
  explicit Histogram(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void add(double duration) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), duration) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(at)];
    sum_ += duration;
  }

  const std::vector<double>& bounds() const { return bounds_; }
  /// Of each bucket by itself, the last one's after them; not yet added up.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

}  // namespace tlspolicyd::base
