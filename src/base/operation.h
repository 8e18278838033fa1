#pragma once

#include <memory>

namespace tlspolicyd::base {

/// A thing that waits. Its constructor starts it, its destructor cancels it without a word.
///
/// The contract of every operation in this program:
/// - it calls its `done` exactly once, never from inside its constructor (or the function that
///   made it), and never after it was destroyed;
/// - `done` may destroy the operation: it touches nothing of itself afterwards;
/// - what it was given by reference must outlive it.
class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;
};

using OperationPtr = std::unique_ptr<Operation>;

}  // namespace tlspolicyd::base
