#pragma once

#include <functional>

#include "net/loop.h"

namespace tlspolicyd::net {

/// Watches a socket for one kind of readiness and calls back in each turn in which it is ready,
/// until it is paused or destroyed; the callback may do either. The socket must outlive it.
class SocketWatch {
 public:
  enum class For { reading, writing };

  /// Begins at once.
  SocketWatch(Loop& loop, int socket, For what, std::function<void()> ready);
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  ~SocketWatch() = default;

  void pause();
  void resume();

 private:
  std::function<void()> ready_;
  EventPtr event_;
};

}  // namespace tlspolicyd::net
