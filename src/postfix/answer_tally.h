#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "service/decision.h"

namespace tlspolicyd::postfix {

/// What a question was answered, for counting.
enum class Told : std::uint8_t {
  not_found,
  secure,
  dane_only,
  temporary,
  by_operator,  ///< the configuration's word for the domain
  explained     ///< a delivery status that was given a text of ours
};
inline constexpr std::size_t kTold = 6;

/// "notfound", "secure", "dane-only", "temp", "operator", "explained".
std::string_view name_of(Told told);

Told told_by(service::Decision::Kind kind);

/// Counts the answers to socketmap requests, and how long they took.
struct AnswerTally {
  struct ByMap {
    std::string map;
    std::array<std::uint64_t, kTold> answers{};
  };
  std::vector<ByMap> maps;  ///< in the order of MapTable::names()
  /// Temporary answers, by the part that caused them.
  std::array<std::uint64_t, service::kCauses> temporary{};
  std::uint64_t settled = 0;  ///< policies that were known at once
  std::uint64_t live = 0;     ///< those that had to be looked up
  base::Histogram settled_seconds{{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2}};
  base::Histogram live_seconds{
      {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}};

  /// Counts by these maps from now on; what was counted of those that stay, stays.
  void set_maps(const std::vector<std::string>& names);
  /// The answers of this kind, in all maps.
  std::uint64_t all(Told told) const;
  /// `map` is an index of set_maps(), also of an earlier call.
  void count(std::size_t map, Told told) {
    ++maps[std::min(map, maps.size() - 1)].answers[static_cast<std::size_t>(told)];
  }
};

}  // namespace tlspolicyd::postfix
