#include "net/socket_watch.h"

#include <event2/event.h>

namespace tlspolicyd::net {

SocketWatch::SocketWatch(Loop& loop, int socket, For what, std::function<void()> ready)
    : ready_(std::move(ready)),
      event_(event_new(
          loop.base(), socket,
          static_cast<short>((what == For::reading ? EV_READ : EV_WRITE) | EV_PERSIST),
          [](int, short, void* self) { static_cast<SocketWatch*>(self)->ready_(); }, this)) {
  resume();
}

void SocketWatch::pause() { event_del(event_.get()); }

void SocketWatch::resume() { event_add(event_.get(), nullptr); }

}  // namespace tlspolicyd::net
