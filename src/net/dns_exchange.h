#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "net/dns_message.h"
#include "net/dns_tcp.h"
#include "net/file_descriptor.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// One question put to one name server.
///
/// Over UDP from a fresh socket, whose port the kernel chooses, with a fresh random id (RFC 5452
/// 9.2); what is no reply to the question is dropped and waiting goes on. After 8 such messages,
/// and when the reply is truncated, once more over TCP. A FORMERR makes it ask once more without
/// EDNS (RFC 6891 7). Over UDP it has no time limit of its own: its owner gives up by destroying
/// it.
class DnsExchange final : public base::Operation {
 public:
  /// Why this server gave no answer.
  struct Failure {
    /// From the least telling to the most.
    enum class Kind {
      unreachable,  ///< a socket error: nobody heard us; `text` names it
      tcp,          ///< heard, but TCP failed; `text` says how
      malformed,    ///< what came cannot be read; `text` says why
      rcode         ///< `text` is its name
    };
    Kind kind;
    std::string text;
  };
  using Outcome = std::variant<DnsAnswer, Follow, BadChain, Failure>;
  using Done = std::function<void(Outcome)>;

  static constexpr unsigned kMaxBadReplies = 8;

  /// `cnames_left` as in parse_reply(). `loop` must outlive it.
  DnsExchange(Loop& loop, const base::Endpoint& server, const DnsQuestion& question,
              unsigned cnames_left, Done done);

 private:
  static void on_readable(int fd, short what, void* self);
  void ask_over_udp();
  int send_datagram();
  void receive();
  void ask_over_tcp();
  void judge(DnsReply reply, bool over_tcp);
  void judge_rcode(unsigned rcode, bool over_tcp);
  void socket_failed(int cause);
  void finish(Outcome outcome);

  Loop& loop_;
  const base::Endpoint server_;
  const DnsQuestion question_;
  const unsigned cnames_left_;
  Done done_;
  Edns edns_ = Edns::with;
  std::uint16_t id_ = 0;
  unsigned bad_replies_ = 0;
  FileDescriptor socket_;
  EventPtr event_;
  base::OperationPtr then_;  ///< a failure to be reported in the next turn, or TCP
};

}  // namespace tlspolicyd::net
