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
/// and when the reply is truncated, once more over TCP. A FORMERR, with the question or as a bare
/// header, makes it ask once more without EDNS (RFC 6891 7), by a new socket and id; that is all
/// that a forged one can do. A bare one to a query without EDNS counts as no reply to the question.
/// Over UDP it has no time limit of its own: its owner gives up by destroying it.
class DnsExchange final : public base::Operation {
 public:
  /// Why this server gave no answer.
  struct Failure {
    /// From the least telling to the most.
    enum class Kind {
      unreachable,  ///< a socket error: nobody heard us; `text` names it
      tcp,          ///< heard, but TCP failed; `text` says how
      malformed,    ///< what came cannot be read; `text` says why
      rcode         ///< a failing RCODE, or no recursion; `text` says which
    };
    Kind kind;
    std::string text;
    /// What the server added (RFC 8914), from describe(); empty if nothing.
    std::string detail;

    /// Whether this is the one to report, of two failures of one question. The later one of equals,
    /// but the earlier one of two with details: the later may come from the server's cache.
    bool tells_more_than(const Failure& later) const;
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
  void judge_rcode(const FailingRcode& failing, bool over_tcp);
  void ask_without_edns(bool over_tcp);
  void not_ours(bool over_tcp);
  void unreadable(std::string text);
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
