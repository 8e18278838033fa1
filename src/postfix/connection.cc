#include "postfix/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace tlspolicyd::postfix {
namespace {

// What a client may send ahead while it waits for an answer.
constexpr std::size_t kMaxAhead = 2 * Session::kLongestRequest;
// Replies that wait to be written before no further request is served.
constexpr std::size_t kMaxUnsent = 65'536;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(net::Loop& loop, std::unique_ptr<Session> session, Owner& owner,
                       net::FileDescriptor socket)
    : loop_(loop),
      session_(std::move(session)),
      owner_(owner),
      socket_(std::move(socket)),
      last_used_(loop.steady()),
      readable_(loop, socket_.get(), net::SocketWatch::For::reading, [this] { read_some(); }) {}

bool Connection::read_some() {
  const auto room = owner_.scratch();
  const auto length = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (length < 0 && would_block(errno)) return true;
  if (length < 0) return end();
  if (length == 0) return on_end_of_input();
  const std::string_view bytes(room.data(), static_cast<std::size_t>(length));
  if (closing_) return discard(bytes.size());
  last_used_ = loop_.steady();
  owner_.touched(*this);
  if (waiting_ || writable_) {
    in_ += bytes;
    if (in_.size() > kMaxAhead) readable_.pause();
    return true;
  }
  if (in_.empty()) return serve(bytes);
  const auto joined = std::exchange(in_, {}).append(bytes);
  return serve(joined);
}

/// The client may read on: what it has asked is answered.
bool Connection::on_end_of_input() {
  if (is_gone() || (!waiting_ && out_.empty())) return end();
  input_ended_ = true;
  readable_.pause();
  return true;
}

/// True if the client has closed both directions, as far as the kernel knows it: of a unix socket
/// always, of TCP only after a reset.
bool Connection::is_gone() const {
  pollfd status{.fd = socket_.get(), .events = 0, .revents = 0};
  return ::poll(&status, 1, 0) == 1 && (status.revents & (POLLHUP | POLLERR)) != 0;
}

bool Connection::discard(std::size_t length) {
  discarded_ += length;
  return discarded_ <= kMaxDiscarded || end();
}

bool Connection::serve(std::string_view bytes) {
  using Kind = Session::Step::Kind;
  auto last = Kind::answered;
  std::string key;
  while (last == Kind::answered && out_.empty()) {
    while (last == Kind::answered && out_.size() < kMaxUnsent) {
      auto step = session_->serve(bytes, out_, [this](auto reply) { on_reply(reply); });
      last = step.kind;
      waiting_ = std::move(step.waiting);
      key = std::move(step.key);
      bytes.remove_prefix(step.consumed);
    }
    if (!flush()) return false;
  }
  if (last == Kind::over) return close();
  if (waiting_) owner_.waits(*this, key);
  in_ = bytes;
  return !input_ended_ || waiting_ || writable_ || end();
}

void Connection::on_reply(std::string_view reply) {
  out_ += reply;
  waiting_.reset();
  owner_.answered(*this);
  last_used_ = loop_.steady();
  if (!writable_) resume_reading();
  if (flush() && out_.empty()) serve(std::exchange(in_, {}));
}

void Connection::stop_waiting() {
  const std::string reply(session_->reply_without_waiting());
  if (reply.empty()) {
    end();
  } else {
    on_reply(reply);
  }
}

void Connection::on_drained() {
  writable_.reset();
  if (closing_) {
    if (input_ended_) {
      end();
    } else {
      ::shutdown(socket_.get(), SHUT_WR);
    }
    return;
  }
  resume_reading();
  if (!waiting_) serve(std::exchange(in_, {}));
}

/// The session is over. The client may be sending on: until it has seen the end of what we send, a
/// close would reset the connection and take unread replies from it.
bool Connection::close() {
  in_.clear();
  if (input_ended_ && out_.empty()) return end();
  closing_ = loop_.after(kClosePatience, [this] { end(); });
  resume_reading();
  if (out_.empty()) ::shutdown(socket_.get(), SHUT_WR);
  return true;
}

void Connection::resume_reading() {
  if (!input_ended_) readable_.resume();
}

bool Connection::flush() {
  if (out_.empty()) return true;
  const auto length = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (length < 0 && !would_block(errno)) return end();
  if (length > 0) out_.erase(0, static_cast<std::size_t>(length));
  if (out_.empty() || writable_) return true;
  // The client does not read: nothing more is served until it has.
  readable_.pause();
  writable_.emplace(loop_, socket_.get(), net::SocketWatch::For::writing,
                    [this] { on_writable(); });
  return true;
}

void Connection::on_writable() {
  if (flush() && out_.empty()) on_drained();
}

bool Connection::end() {
  owner_.ended(*this);
  return false;
}

}  // namespace tlspolicyd::postfix
