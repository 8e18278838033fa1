#include "postfix/connection.h"

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
  if (length <= 0) return end();
  last_used_ = loop_.steady();
  owner_.touched(*this);
  const std::string_view bytes(room.data(), static_cast<std::size_t>(length));
  if (waiting_ || writable_) {
    in_ += bytes;
    if (in_.size() > kMaxAhead) readable_.pause();
    return true;
  }
  if (in_.empty()) return serve(bytes);
  const auto joined = std::exchange(in_, {}).append(bytes);
  return serve(joined);
}

bool Connection::serve(std::string_view bytes) {
  using Kind = Session::Step::Kind;
  auto last = Kind::answered;
  while (last == Kind::answered && out_.empty()) {
    while (last == Kind::answered && out_.size() < kMaxUnsent) {
      auto step = session_->serve(bytes, out_, [this](auto reply) { on_reply(reply); });
      last = step.kind;
      waiting_ = std::move(step.waiting);
      bytes.remove_prefix(step.consumed);
    }
    if (!flush()) return false;
  }
  if (last == Kind::over) return end();
  in_ = bytes;
  return true;
}

void Connection::on_reply(std::string_view reply) {
  out_ += reply;
  waiting_.reset();
  last_used_ = loop_.steady();
  if (!writable_) readable_.resume();
  if (flush() && out_.empty()) serve(std::exchange(in_, {}));
}

void Connection::on_drained() {
  writable_.reset();
  readable_.resume();
  if (!waiting_) serve(std::exchange(in_, {}));
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
