#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tlspolicyd::tool {

/// How another program ended and what it wrote.
struct ProgramOutput {
  int exit_code = 0;  ///< 128 and the signal's number if a signal ended it
  std::string out;
  std::string err;
};

/// What another program may cost.
struct ProgramLimits {
  base::milliseconds deadline{10'000};
  std::size_t bytes = 1U << 20;  ///< of each stream
};

/// Runs a program, looked for in $PATH and then in the directories for administrators, without a
/// shell and with nothing to read; waits for its end. `command` is its name and its arguments.
/// Error, with a text that names the program: Fault::system if it could not be started (text "NAME:
/// not found" where there is none), Fault::deadline and Fault::too_large if it had to be killed.
base::Result<ProgramOutput> run_program(std::vector<std::string> command,
                                        const ProgramLimits& limits = {});

}  // namespace tlspolicyd::tool
