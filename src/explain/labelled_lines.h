#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace tlspolicyd::explain {

/// A text for people: lines, of which the first of each block has a label.
class LabelledLines {
 public:
  /// `width` of the column of labels, in characters.
  explicit LabelledLines(int width = 10) : width_(width) {}

  template <class... A>
  void line(std::string_view label, fmt::format_string<A...> format, A&&... values) {
    fmt::format_to(std::back_inserter(out_), "{:<{}} {}\n", label, width_,
                   fmt::format(format, std::forward<A>(values)...));
  }
  std::string take() { return std::move(out_); }

 private:
  int width_;
  std::string out_;
};

}  // namespace tlspolicyd::explain
