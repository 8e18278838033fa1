#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// One DNS message sent and one received over TCP, each behind its length (RFC 1035 4.2.2, RFC
/// 7766), within 5 s in all. Memory grows with what has arrived, not with what was announced.
class DnsTcp final : public base::Operation {
 public:
  static constexpr base::milliseconds kTimeLimit{5000};

  /// The message that came, unread. Errors: connect (refused, reset, closed early), deadline, each
  /// with a text that begins with "TCP".
  using Done = std::function<void(base::Result<std::vector<std::uint8_t>>)>;

  /// REQUIRES: `query` has at most 65535 octets. `loop` must outlive it.
  DnsTcp(Loop& loop, const base::Endpoint& server, const std::vector<std::uint8_t>& query,
         Done done);

 private:
  static void on_event(int fd, short what, void* self);
  int connect(const base::Endpoint& server);
  void watch(short what);
  void write();
  void read();
  void fail(int cause);
  void finish(base::Result<std::vector<std::uint8_t>> result);

  Loop& loop_;
  Done done_;
  std::vector<std::uint8_t> output_;
  std::size_t sent_ = 0;
  std::vector<std::uint8_t> input_;  ///< what has come, with the length in front
  FileDescriptor socket_;
  EventPtr event_;
  base::OperationPtr limit_;
};

}  // namespace tlspolicyd::net
