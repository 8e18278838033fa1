#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tlspolicyd::admin {

/// What an expression of PromQL uses.
struct PromQl {
  struct Matcher {
    std::string label;
    std::string op;  ///< =, !=, =~, !~
    std::string value;
  };
  struct Selector {
    std::string metric;
    std::vector<Matcher> matchers;
    std::string range;     ///< "5m" of [5m], "" if none
    std::string function;  ///< that it is the argument of, "" if none
  };

  std::vector<Selector> selectors;
  std::set<std::string> grouping;  ///< labels after by, without, on, ignoring
  std::string mistake;             ///< "" if there is none
};

/// Reads the part of PromQL that alerts and dashboards need: no subqueries, offsets or @.
PromQl read_promql(const std::string& text);

}  // namespace tlspolicyd::admin
