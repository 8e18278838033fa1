#pragma once

#include <functional>
#include <thread>

namespace tlspolicyd::base {

/// A thread that leaves all signals to the others. Throws std::system_error if the system gives
/// none.
std::thread start_without_signals(std::function<void()> work);

}  // namespace tlspolicyd::base
