#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/outcome_tally.h"
#include "sts/lifecycle.h"

namespace tlspolicyd::service {

/// Counts the events of domains' lives: what their TXT records said, and what became of fetches.
struct LifeTally {
  enum class Txt : std::uint8_t { found, no_record, invalid_record, several_records, dns_error };
  static constexpr std::size_t kTxt = 5;

  std::array<std::uint64_t, kTxt> txt{};
  base::OutcomeTally first;    ///< fetches where no policy was known
  base::OutcomeTally renewal;  ///< where one was: refreshes, and new ids

  /// `before` is what was known of the domain when the event came.
  void count(const sts::Event& event, const sts::Entry& before);
};

/// "found", "no-record", ... as metrics write it.
std::string_view name_of(LifeTally::Txt txt);

}  // namespace tlspolicyd::service
