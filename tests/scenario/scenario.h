#pragma once

#include <string>
#include <vector>

namespace tlspolicyd::scenario {

/// A line of a scenario file, cut into words; "quoted words" may hold blanks.
struct Line {
  int number = 0;
  std::vector<std::string> words;
  std::string text;                ///< as written, without indentation
  std::vector<std::string> block;  ///< the lines up to `end`, for those that have one
};

struct Scenario {
  std::string title;
  std::vector<Line> lines;
};

/// Reads a scenario file. Throws std::runtime_error with file and line for what has no such form.
std::vector<Scenario> read_scenarios(const std::string& path);

}  // namespace tlspolicyd::scenario
