#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/sources.h"

namespace tlspolicyd::admin {

/// Whether the daemon does what it is for. Names no domain.
struct Health {
  /// One of the things it needs.
  struct Part {
    enum class State {
      ok,
      degraded,  ///< less is done than could be, but the daemon does what it is for
      unwell
    };
    std::string_view name;
    State state = State::ok;
    std::string text;  ///< for people, one line; "" if ok
  };

  std::vector<Part> parts;            ///< always the same ones, in the same order
  bool well = true;                   ///< no part is unwell
  std::vector<std::string> troubles;  ///< the texts there are; may be there though it is well
};

/// "ok", "degraded", "unwell".
std::string_view name_of(Health::Part::State state);

/// Looks at: resolver (unwell: the last question showed that no name server is there), gate
/// (degraded: the resolver does not validate, and DANE is not looked at), disk (unwell: policies
/// cannot be saved), cache (degraded: a policy found no place within the last hour), loop (unwell:
/// it was late by more than kMostLag within the last minute), configuration (degraded: the last
/// reload failed, or `observe` is on).
Health health_of(const Sources& sources);

inline constexpr double kMostLag = 1;  ///< seconds

}  // namespace tlspolicyd::admin
