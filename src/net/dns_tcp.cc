#include "net/dns_tcp.h"

#include <event2/event.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace tlspolicyd::net {
namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kReadSize = 16 * 1024;

}  // namespace

DnsTcp::DnsTcp(Loop& loop, const base::Endpoint& server, const std::vector<std::uint8_t>& query,
               Done done)
    : loop_(loop), done_(std::move(done)) {
  output_.reserve(kLengthSize + query.size());
  output_.push_back(static_cast<std::uint8_t>(query.size() >> 8U));
  output_.push_back(static_cast<std::uint8_t>(query.size() & 0xffU));
  output_.insert(output_.end(), query.begin(), query.end());
  if (const int cause = connect(server); cause != 0) {
    limit_ = loop_.after(base::milliseconds(0), [this, cause] { fail(cause); });
    return;
  }
  watch(EV_WRITE);
  limit_ = loop_.after(kTimeLimit, [this] {
    finish(base::Error{base::Fault::deadline, "TCP time limit"});
  });
}

// The errno of what fails at once, else zero.
int DnsTcp::connect(const base::Endpoint& server) {
  const base::SocketAddress address(server);
  socket_ = FileDescriptor(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return errno;
  if (::connect(socket_.get(), address.get(), address.length) == 0) return 0;
  return errno == EINPROGRESS ? 0 : errno;
}

void DnsTcp::watch(short what) {
  event_.reset(event_new(loop_.base(), socket_.get(), static_cast<short>(what | EV_PERSIST),
                         &DnsTcp::on_event, this));
  event_add(event_.get(), nullptr);
}

void DnsTcp::on_event(int, short what, void* self) {
  auto& tcp = *static_cast<DnsTcp*>(self);
  if ((what & EV_WRITE) != 0)
    tcp.write();
  else
    tcp.read();
}

void DnsTcp::write() {
  // MSG_NOSIGNAL: a failed connect() shows here as EPIPE or as its own cause.
  const auto sent =
      ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) fail(errno);
    return;
  }
  sent_ += static_cast<std::size_t>(sent);
  if (sent_ == output_.size()) watch(EV_READ);
}

void DnsTcp::read() {
  std::array<std::uint8_t, kReadSize> buffer;
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) fail(errno);
    return;
  }
  if (got == 0) return finish(base::Error{base::Fault::connect, "TCP connection closed early"});
  input_.insert(input_.end(), buffer.begin(), buffer.begin() + got);
  if (input_.size() < kLengthSize) return;
  const std::size_t length = std::size_t{input_[0]} << 8U | input_[1];
  if (input_.size() < kLengthSize + length) return;
  const auto first = input_.begin() + static_cast<std::ptrdiff_t>(kLengthSize);
  finish(std::vector<std::uint8_t>(first, first + static_cast<std::ptrdiff_t>(length)));
}

void DnsTcp::fail(int cause) {
  const bool own_shortage =
      cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOBUFS;
  finish(base::Error{own_shortage ? base::Fault::system : base::Fault::connect,
                     "TCP: " + std::generic_category().message(cause)});
}

void DnsTcp::finish(base::Result<std::vector<std::uint8_t>> result) {
  event_.reset();
  limit_.reset();
  const auto done = std::move(done_);
  done(std::move(result));
}

}  // namespace tlspolicyd::net
