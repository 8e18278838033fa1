#include "net/https_exchange.h"

#include <event2/event.h>

#include <array>
#include <utility>

namespace tlspolicyd::net {
namespace {

using Outcome = TlsStream::Outcome;

/// The longest TLS record's content (RFC 8446 5.1): with it one read leaves nothing behind.
constexpr std::size_t kRecord = 16 * 1024;
/// Then others get their turn.
constexpr int kRecordsPerTurn = 8;

}  // namespace

HttpsExchange::HttpsExchange(Loop& loop, const TlsContext& context, Connection connection,
                             const std::string& host, std::string request, bool collect_peer,
                             Done done, std::function<void()> on_answer)
    : loop_(loop),
      peer_(connection.peer),
      request_(std::move(request)),
      collect_peer_(collect_peer),
      done_(std::move(done)),
      on_answer_(std::move(on_answer)),
      stream_(context, std::move(connection.fd), host),
      event_(event_new(loop.base(), stream_.fd(), 0, nullptr, nullptr)) {
  own_turn();
}

void HttpsExchange::on_event(int, short, void* self) {
  auto& exchange = *static_cast<HttpsExchange*>(self);
  if (exchange.phase_ == Phase::handshake) {
    exchange.own_turn();
  } else {
    exchange.proceed();
  }
}

void HttpsExchange::wait_for(short what) {
  if (!event_ ||
      event_assign(event_.get(), loop_.base(), stream_.fd(), what, &HttpsExchange::on_event,
                   this) != 0 ||
      event_add(event_.get(), nullptr) != 0)
    fail({base::Fault::system, "no memory for an event"});
}

void HttpsExchange::own_turn() {
  turn_ = loop_.in_own_turn([this] { proceed(); });
}

void HttpsExchange::proceed() {
  switch (phase_) {
    case Phase::handshake: return handshake();
    case Phase::sending: return send();
    case Phase::reading: return receive();
  }
}

void HttpsExchange::handshake() {
  const auto step = stream_.handshake();
  if (step.outcome != Outcome::done) return stopped(step);
  phase_ = Phase::sending;
  send();
}

void HttpsExchange::send() {
  while (!request_.empty()) {
    const auto step = stream_.write(request_);
    if (step.outcome != Outcome::done) return stopped(step);
    request_.erase(0, step.bytes);
  }
  phase_ = Phase::reading;
  // What came with the end of the handshake makes the socket readable no more.
  if (stream_.has_pending()) return receive();
  wait_for(EV_READ);
}

void HttpsExchange::receive() {
  std::array<char, kRecord> buffer;
  for (int i = 0; i < kRecordsPerTurn; ++i) {
    const auto step = stream_.read(buffer);
    if (stream_.bytes_received() > kMaxReceived)
      return fail({base::Fault::too_large, "the server sends without end"});
    if (step.outcome == Outcome::done) {
      if (!std::exchange(answered_, true)) on_answer_();
      if (parsed(parser_.feed({buffer.data(), step.bytes}))) return;
    } else if (step.outcome == Outcome::wants_read && stream_.has_pending()) {
      continue;
    } else {
      return stopped(step);
    }
  }
  own_turn();
}

// True if that was the end.
bool HttpsExchange::parsed(HttpResponseParser::State state) {
  switch (state) {
    case HttpResponseParser::State::need_more: return false;
    case HttpResponseParser::State::complete: succeed(); return true;
    case HttpResponseParser::State::failed: fail(parser_.error()); return true;
  }
  return false;
}

void HttpsExchange::stopped(TlsStream::Step step) {
  switch (step.outcome) {
    case Outcome::wants_read: return wait_for(EV_READ);
    case Outcome::wants_write: return wait_for(EV_WRITE);
    case Outcome::closed:
    case Outcome::cut_off: return ended(step.outcome == Outcome::closed);
    case Outcome::reset: dropped_ = true; break;
    case Outcome::done:
    case Outcome::failed: break;
  }
  fail(stream_.error());
}

void HttpsExchange::ended(bool clean) {
  dropped_ = true;
  if (phase_ == Phase::handshake)
    return fail({base::Fault::tls, "connection closed by the peer in the TLS handshake"});
  parsed(parser_.eof(clean));
}

void HttpsExchange::succeed() {
  HttpsReply reply{parser_.status(), parser_.media_type(), parser_.take_body(), {}};
  reply.peer.address = peer_.text();
  reply.peer.tls_version = stream_.version();
  if (collect_peer_) stream_.describe_certificate(reply.peer);
  stream_.close_notify();
  const auto done = std::move(done_);
  done(std::move(reply));
}

void HttpsExchange::fail(base::Error error) {
  // After the handshake the trouble is TCP's, not TLS's.
  if (dropped_ && phase_ != Phase::handshake && error.fault == base::Fault::tls)
    error.fault = base::Fault::connect;
  const auto done = std::move(done_);
  done(std::move(error));
}

}  // namespace tlspolicyd::net
