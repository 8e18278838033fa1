#include <fmt/format.h>

#include <exception>

#include "scenario.h"
#include "stage.h"

namespace {

using namespace tlspolicyd::scenario;

/// Plays one scenario; says where it went wrong.
bool play(const std::string& path, const Scenario& scenario) {
  Stage stage;
  for (const auto& line : scenario.lines) {
    try {
      stage.play(line);
    } catch (const std::exception& error) {
      fmt::print("FAILED {}\n  {}:{}: {}\n  {}\n  log:\n{}", scenario.title, path, line.number,
                 line.text, error.what(), stage.log());
      return false;
    }
  }
  fmt::print("ok     {}\n", scenario.title);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  try {
    for (int at = 1; at < argc; ++at)
      for (const auto& scenario : read_scenarios(argv[at]))
        ++(play(argv[at], scenario) ? passed : failed);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    ++failed;
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
