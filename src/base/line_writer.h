#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tlspolicyd::base {

/// Writes lines to a file descriptor from a thread of its own, whole and in their order, so that a
/// reader that hangs (a full pipe, a stopped journald) stops nobody who logs.
///
/// What waits to be written is bounded. A line that does not fit is dropped and counted. The
/// descriptor is not made non-blocking, since other processes may share it.
class LineWriter {
 public:
  static constexpr std::size_t kMaxQueued = 1'048'576;  ///< bytes
  static constexpr std::chrono::milliseconds kFlushTimeout{2000};

  /// `descriptor` must stay open; it is not closed. Throws std::system_error if the system gives no
  /// thread.
  explicit LineWriter(int descriptor, std::size_t max_queued = kMaxQueued);
  /// Waits until all is written, but not longer than kFlushTimeout; what is left then is lost.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Has `line`, which ends with a newline, written by one write(2). Never blocks for longer than a
  /// lock is held. From any thread.
  void write(std::string line);

  /// Lines dropped since the start. From any thread.
  std::uint64_t dropped() const;
  /// The lines dropped since the last call that returned any, as soon as half of the queue is free
  /// again: then a line that tells of them fits. Otherwise 0.
  std::uint64_t take_dropped();

 private:
  struct Queue;
  static void run(const std::shared_ptr<Queue>& queue);

  std::shared_ptr<Queue> queue_;  ///< shared with the thread, which may hang in a write for ever
};

}  // namespace tlspolicyd::base
