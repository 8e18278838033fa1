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

/// What a question for a policy would be answered.
inline constexpr std::array kObserved{Told::not_found, Told::secure, Told::dane_only,
                                      Told::temporary, Told::by_operator};

/// "notfound", "secure", "dane-only", "temp", "operator", "explained".
std::string_view name_of(Told told);

Told told_by(service::Decision::Kind kind);

/// Counts the answers to socketmap requests, and how long they took. An answer counts once it is
/// there: by what it says, and by where it came from; both make the same sum.
struct AnswerTally {
  struct ByMap {
    std::string map;
    std::array<std::uint64_t, kTold> answers{};
    std::array<std::uint64_t, kTold> observed{};  ///< what they would have been
  };
  std::array<std::uint64_t, kTold> told{};  ///< in all maps, also in those that are gone
  std::array<std::uint64_t, kTold> observed{};
  std::vector<ByMap> maps;  ///< in the order of MapTable::names()
  /// Temporary answers, by the part that caused them.
  std::array<std::uint64_t, service::kCauses> temporary{};
  // Where they came from.
  std::uint64_t settled = 0;    ///< what was known at once
  std::uint64_t live = 0;       ///< what had to be looked up
  std::uint64_t overruled = 0;  ///< the operator's word
  std::uint64_t no_domain = 0;  ///< the key names no policy domain
  std::uint64_t statuses = 0;   ///< delivery statuses
  base::Histogram settled_seconds{{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2}};
  base::Histogram live_seconds{
      {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}};

  /// Counts by these maps from now on; what was counted of those that stay, stays.
  void set_maps(const std::vector<std::string>& names);
  /// The answers of this kind, in all maps there are and were.
  std::uint64_t all(Told what) const { return told[static_cast<std::size_t>(what)]; }
  /// The same of what would have been answered while `observe` was on.
  std::uint64_t all_observed(Told what) const { return observed[static_cast<std::size_t>(what)]; }
  /// All answers.
  std::uint64_t all() const { return settled + live + overruled + no_domain + statuses; }
  /// `map` is an index of set_maps(), also of an earlier call.
  void count(std::size_t map, Told what) {
    const auto kind = static_cast<std::size_t>(what);
    ++maps[std::min(map, maps.size() - 1)].answers[kind];
    ++told[kind];
  }
  /// An answer "not found" in the place of this one.
  void count_observed(std::size_t map, Told what) {
    const auto kind = static_cast<std::size_t>(what);
    count(map, Told::not_found);
    ++maps[std::min(map, maps.size() - 1)].observed[kind];
    ++observed[kind];
  }
};

}  // namespace tlspolicyd::postfix
