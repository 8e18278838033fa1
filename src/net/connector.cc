#include "net/connector.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace tlspolicyd::net {
namespace {

using base::Address;
using base::Endpoint;

FileDescriptor open_socket(Address::Family family) {
  const int domain = family == Address::Family::v4 ? AF_INET : AF_INET6;
  FileDescriptor fd(::socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  // Otherwise the request would wait for the acknowledgement of the TLS Finished before it.
  const int on = 1;
  if (fd) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Unlike a refusal it comes after the connection stood: what to make of it is for its user to say,
// and must not depend on whether the reset was faster than our look at it.
bool is_reset(int cause) { return cause == ECONNRESET || cause == EPIPE; }

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

std::vector<Address> connection_order(const std::vector<Address>& addresses) {
  std::vector<Address> families[2];
  for (const auto& address : addresses) {
    auto& family = families[address.family() == Address::Family::v6 ? 0 : 1];
    if (std::find(family.begin(), family.end(), address) == family.end()) family.push_back(address);
  }
  std::vector<Address> order;
  const auto rounds = std::max(families[0].size(), families[1].size());
  for (std::size_t i = 0; i < rounds; ++i) {
    for (const auto& family : families)
      if (i < family.size() && order.size() < Connector::kMaxAddresses) order.push_back(family[i]);
  }
  return order;
}

struct Connector::Attempt {
  Connector& owner;
  Endpoint endpoint;
  FileDescriptor fd;
  EventPtr event;  ///< last: it must go before the socket
};

Connector::Connector(Loop& loop, std::vector<Endpoint> endpoints, Done done)
    : loop_(loop),
      waiting_(std::move(endpoints)),
      done_(std::move(done)),
      last_error_{base::Fault::connect, "no address to connect to"} {
  std::reverse(waiting_.begin(), waiting_.end());
  next_ = loop_.after(base::milliseconds(0), [this] { try_next(); });
}

Connector::~Connector() = default;

void Connector::add(const std::vector<Endpoint>& endpoints) {
  waiting_.insert(waiting_.begin(), endpoints.rbegin(), endpoints.rend());
  if (!next_) next_ = loop_.after(base::milliseconds(0), [this] { try_next(); });
}

void Connector::try_next() {
  next_.reset();
  while (!waiting_.empty()) {
    const auto endpoint = waiting_.back();
    waiting_.pop_back();
    const int cause = start(endpoint);
    if (cause == 0) {
      if (!waiting_.empty()) next_ = loop_.after(kAttemptDelay, [this] { try_next(); });
      return;
    }
    failed(endpoint, {.cause = cause, .at_once = true});
  }
  if (!attempts_.empty()) return;
  const auto done = std::move(done_);
  done(last_error_);
}

int Connector::start(const Endpoint& endpoint) {
  auto fd = open_socket(endpoint.address.family());
  if (!fd) return errno;
  const base::SocketAddress address(endpoint);
  if (::connect(fd.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) return errno;

  auto& attempt = attempts_.emplace_back(Attempt{*this, endpoint, std::move(fd), {}});
  attempt.event.reset(
      event_new(loop_.base(), attempt.fd.get(), EV_WRITE, &Connector::on_event, &attempt));
  constexpr timeval kTimeout{.tv_sec = kAttemptTimeout.count() / 1000, .tv_usec = 0};
  if (!attempt.event || event_add(attempt.event.get(), &kTimeout) != 0) {
    attempts_.pop_back();
    return ENOMEM;
  }
  return 0;
}

void Connector::on_event(int fd, short what, void* self) {
  auto& attempt = *static_cast<Attempt*>(self);
  const int cause = (what & EV_TIMEOUT) != 0 ? ETIMEDOUT : pending_error(fd);
  attempt.owner.finished(attempt, cause);
}

void Connector::finished(Attempt& attempt, int cause) {
  if (cause == 0 || is_reset(cause)) return connected(attempt);
  failed(attempt.endpoint, {.cause = cause});
  attempts_.remove_if([&](const Attempt& other) { return &other == &attempt; });
  try_next();
}

void Connector::connected(Attempt& attempt) {
  Connection connection{std::move(attempt.fd), attempt.endpoint, {}};
  attempt.event.reset();
  for (const auto& other : attempts_)
    if (&other != &attempt) connection.others.push_back(other.endpoint);
  connection.others.insert(connection.others.end(), waiting_.rbegin(), waiting_.rend());
  const auto done = std::move(done_);
  attempts_.clear();
  next_.reset();
  done(std::move(connection));
}

void Connector::failed(const Endpoint& endpoint, const ConnectFailure& failure) {
  // A local failure must not be taken for the host's fault by what a later address did.
  if (last_error_.fault == base::Fault::system) return;
  last_error_ = connect_error(endpoint, failure);
}

}  // namespace tlspolicyd::net
