#pragma once

#include <functional>

#include "net/file_descriptor.h"
#include "net/listen_address.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// A listening stream socket on the loop. Survives a shortage of file descriptors: it then asks
/// its owner for room, and rests for a moment if there is none (threat A-13).
class Listener {
 public:
  struct Callbacks {
    /// A client has connected; the socket is non-blocking and close-on-exec.
    std::function<void(FileDescriptor)> accepted;
    /// File descriptors are used up: closes something and returns true, or returns false.
    std::function<bool()> out_of_room;
  };

  /// Binds and listens. A unix socket that refuses connections, since no process listens on it, is
  /// replaced; any other is not.
  /// Throws std::runtime_error with a text for people. The loop must outlive it.
  Listener(Loop& loop, const ListenAddress& address, Callbacks callbacks);
  /// Accepts on a non-blocking socket that listens already, and leaves a unix socket's path where
  /// it is: whoever bound it goes on to hold it, and clients wait there for the next process.
  Listener(Loop& loop, FileDescriptor inherited, Callbacks callbacks);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  void begin();
  static void on_readable(int, short, void* self);
  void accept_all();

  Loop& loop_;
  Callbacks callbacks_;
  std::string unix_path_;  ///< removed at the end; "" for none
  FileDescriptor socket_;
  EventPtr readable_;
  base::OperationPtr rest_;
};

}  // namespace tlspolicyd::net
