#pragma once

#include <functional>
#include <string>

#include "base/operation.h"
#include "base/result.h"
#include "net/connector.h"
#include "net/http_response.h"
#include "net/https.h"
#include "net/loop.h"
#include "net/tls_stream.h"

namespace tlspolicyd::net {

/// One GET over one connection: TLS handshake, request, response. It has no deadline of its own.
///
/// Handshake steps take own turns of the loop (base::Timers::in_own_turn), and so does a peer that
/// sends faster than we should read.
class HttpsExchange final : public base::Operation {
 public:
  enum class Phase { handshake, sending, reading };

  /// What the peer may send in all: 64 KiB of body in one-byte TLS records, and room to spare. It
  /// bounds what no other limit counts, such as endless session tickets.
  static constexpr std::uint64_t kMaxReceived = 4 * 1024 * 1024;

  /// Errors: certificate, tls, connect (reset after the handshake), http, too_large, system.
  using Done = std::function<void(base::Result<HttpsReply>)>;

  /// `request` is the whole request as it is sent. `on_answer` is called once, when the first byte
  /// of the response has come; it must not destroy the exchange. `loop` and `context` must outlive
  /// the object.
  HttpsExchange(Loop& loop, const TlsContext& context, Connection connection,
                const std::string& host, std::string request, bool collect_peer, Done done,
                std::function<void()> on_answer);

  Phase phase() const { return phase_; }
  /// True when a byte of the response has come.
  bool answered() const { return answered_; }
  /// After an error: the peer went away, rather than having said something wrong.
  bool dropped() const { return dropped_; }
  const base::Endpoint& peer() const { return peer_; }

 private:
  static void on_event(int fd, short what, void* self);
  void wait_for(short what);
  void own_turn();
  void proceed();
  void handshake();
  void send();
  void receive();
  bool parsed(HttpResponseParser::State state);
  void stopped(TlsStream::Step step);
  void ended(bool clean);
  void succeed();
  void fail(base::Error error);

  Loop& loop_;
  base::Endpoint peer_;
  std::string request_;  ///< what is still to be sent
  bool collect_peer_;
  Done done_;
  std::function<void()> on_answer_;
  Phase phase_ = Phase::handshake;
  bool answered_ = false;
  bool dropped_ = false;
  HttpResponseParser parser_;
  TlsStream stream_;
  base::OperationPtr turn_;
  EventPtr event_;  ///< last: it must go before the socket
};

}  // namespace tlspolicyd::net
