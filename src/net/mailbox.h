#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "net/file_descriptor.h"
#include "net/loop.h"
#include "net/socket_watch.h"

namespace tlspolicyd::net {

/// What another thread posts is run on the loop's own thread, in a turn of the loop, in the order
/// in which it was posted; what is posted meanwhile is run in a later turn.
///
/// Made and destroyed on the loop's thread, before the loop and after the last post() has returned,
/// and never by what it runs. What was posted and has not run by then is dropped.
class Mailbox {
 public:
  /// Throws std::runtime_error if the kernel gives no file descriptor.
  explicit Mailbox(Loop& loop);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() = default;

  /// From any thread; never waits for the loop.
  void post(std::function<void()> letter);

 private:
  void run_letters();

  std::mutex mutex_;
  std::deque<std::function<void()>> letters_;
  FileDescriptor arrival_;
  SocketWatch watch_;
};

}  // namespace tlspolicyd::net
