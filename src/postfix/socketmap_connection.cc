#include "postfix/socketmap_connection.h"

#include <event2/event.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "postfix/netstring.h"

namespace tlspolicyd::postfix {
namespace {

// What a client may send ahead while it waits for an answer.
constexpr std::size_t kMaxAhead = 2 * Responder::kMaxRequest;
// Replies that wait to be written before no further request is served.
constexpr std::size_t kMaxUnsent = 65'536;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

SocketmapConnection::SocketmapConnection(net::Loop& loop, Responder& responder, Owner& owner,
                                         net::FileDescriptor socket)
    : loop_(loop),
      responder_(responder),
      owner_(owner),
      socket_(std::move(socket)),
      last_used_(loop.steady()),
      readable_(event_new(loop.base(), socket_.get(), EV_READ | EV_PERSIST, &on_readable, this)) {
  event_add(readable_.get(), nullptr);
}

void SocketmapConnection::on_readable(int, short, void* self) {
  static_cast<SocketmapConnection*>(self)->read_some();
}

void SocketmapConnection::on_writable(int, short, void* self) {
  auto* connection = static_cast<SocketmapConnection*>(self);
  if (connection->flush() && connection->out_.empty()) connection->on_drained();
}

bool SocketmapConnection::read_some() {
  const auto room = owner_.scratch();
  const auto length = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (length < 0 && would_block(errno)) return true;
  if (length <= 0) return end();
  last_used_ = loop_.steady();
  owner_.touched(*this);
  const std::string_view bytes(room.data(), static_cast<std::size_t>(length));
  if (waiting_) {
    in_ += bytes;
    if (in_.size() > kMaxAhead) event_del(readable_.get());
    return true;
  }
  if (in_.empty()) return serve(bytes);
  const auto joined = std::exchange(in_, {}).append(bytes);
  return serve(joined);
}

bool SocketmapConnection::serve(std::string_view bytes) {
  bool whole_request = true;
  while (whole_request && !waiting_ && out_.empty()) {
    while (!waiting_ && out_.size() < kMaxUnsent) {
      const auto request = read_netstring(bytes, Responder::kMaxRequest);
      if (request.status == Netstring::Status::malformed) return end();
      whole_request = request.status == Netstring::Status::complete;
      if (!whole_request) break;
      auto response =
          responder_.respond(request.payload, out_, [this](auto reply) { on_reply(reply); });
      if (response.kind == Responder::Response::Kind::malformed) return end();
      waiting_ = std::move(response.waiting);
      bytes.remove_prefix(request.consumed);
    }
    if (!flush()) return false;
  }
  in_ = bytes;
  return true;
}

void SocketmapConnection::on_reply(std::string_view reply) {
  out_ += reply;
  waiting_.reset();
  last_used_ = loop_.steady();
  event_add(readable_.get(), nullptr);
  if (flush() && out_.empty()) serve(std::exchange(in_, {}));
}

void SocketmapConnection::on_drained() {
  writable_.reset();
  event_add(readable_.get(), nullptr);
  if (!waiting_) serve(std::exchange(in_, {}));
}

bool SocketmapConnection::flush() {
  if (out_.empty()) return true;
  const auto length = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (length < 0 && !would_block(errno)) return end();
  if (length > 0) out_.erase(0, static_cast<std::size_t>(length));
  if (out_.empty() || writable_) return true;
  // The client does not read: nothing more is served until it has.
  event_del(readable_.get());
  writable_.reset(
      event_new(loop_.base(), socket_.get(), EV_WRITE | EV_PERSIST, &on_writable, this));
  event_add(writable_.get(), nullptr);
  return true;
}

bool SocketmapConnection::end() {
  owner_.ended(*this);
  return false;
}

}  // namespace tlspolicyd::postfix
