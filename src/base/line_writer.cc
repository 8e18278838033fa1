#include "base/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/quiet_thread.h"

namespace tlspolicyd::base {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

/// False if the descriptor takes no more. Blocks.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto length = ::write(descriptor, bytes.data(), bytes.size());
    if (length > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(length));
    } else if (length < 0 && would_block(errno)) {
      // Another process that shares the descriptor has made it non-blocking.
      pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (length == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

struct LineWriter::Queue {
  Queue(int to, std::size_t most) : descriptor(to), max_bytes(most) {}

  const int descriptor;
  const std::size_t max_bytes;
  std::mutex mutex;
  std::condition_variable changed;  ///< a line was added, all is written, or the end has come
  std::deque<std::string> lines;    ///< the first one is being written
  std::size_t bytes = 0;            ///< of all lines
  std::uint64_t dropped = 0;
  std::uint64_t taken = 0;  ///< of `dropped`, by take_dropped()
  bool ends = false;
};

LineWriter::LineWriter(int descriptor, std::size_t max_queued)
    : queue_(std::make_shared<Queue>(descriptor, max_queued)) {
  start_without_signals([queue = queue_] { run(queue); }).detach();
}

LineWriter::~LineWriter() {
  std::unique_lock lock(queue_->mutex);
  queue_->ends = true;
  queue_->changed.notify_all();
  queue_->changed.wait_for(lock, kFlushTimeout, [this] { return queue_->lines.empty(); });
}

void LineWriter::write(std::string line) {
  const std::lock_guard lock(queue_->mutex);
  if (queue_->bytes + line.size() > queue_->max_bytes) {
    ++queue_->dropped;
    return;
  }
  queue_->bytes += line.size();
  queue_->lines.push_back(std::move(line));
  queue_->changed.notify_all();
}

std::uint64_t LineWriter::dropped() const {
  const std::lock_guard lock(queue_->mutex);
  return queue_->dropped;
}

std::uint64_t LineWriter::take_dropped() {
  const std::lock_guard lock(queue_->mutex);
  if (queue_->bytes > queue_->max_bytes / 2) return 0;
  return queue_->dropped - std::exchange(queue_->taken, queue_->dropped);
}

void LineWriter::run(const std::shared_ptr<Queue>& queue) {
  std::unique_lock lock(queue->mutex);
  for (;;) {
    queue->changed.wait(lock, [&] { return queue->ends || !queue->lines.empty(); });
    if (queue->lines.empty()) return;
    // The others only add behind it.
    const std::string& line = queue->lines.front();
    lock.unlock();
    const bool written = write_all(queue->descriptor, line);
    lock.lock();
    if (!written) ++queue->dropped;
    queue->bytes -= line.size();
    queue->lines.pop_front();
    if (queue->lines.empty()) queue->changed.notify_all();
  }
}

}  // namespace tlspolicyd::base
