#include "fakes/name_server.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace tlspolicyd::fakes {
namespace {

base::Endpoint loopback(std::uint16_t port) {
  constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};
  return {base::Address::v4(kLoopback), port};
}

net::FileDescriptor bound(int type, std::uint16_t port) {
  net::FileDescriptor fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const base::SocketAddress address(loopback(port));
  if (::bind(fd.get(), address.get(), address.length) != 0) return {};
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

net::EventPtr watch(net::Loop& loop, int fd, event_callback_fn then, void* argument) {
  net::EventPtr event(event_new(loop.base(), fd, EV_READ | EV_PERSIST, then, argument));
  event_add(event.get(), nullptr);
  return event;
}

}  // namespace

struct NameServer::Peer {
  NameServer& server;
  net::FileDescriptor fd;
  Bytes input{};
  Stream output{};
  std::size_t next_piece = 0;
  net::EventPtr event{};
  base::OperationPtr turn{};

  static void on_read(int, short, void* self) { static_cast<Peer*>(self)->read(); }

  void read() {
    std::array<std::uint8_t, 4096> buffer;
    const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return close();
    input.insert(input.end(), buffer.begin(), buffer.begin() + got);
    if (input.size() < 2 || input.size() < 2U + id_of(input)) return;
    const Bytes query(input.begin() + 2, input.end());
    server.streams.push_back(query);
    if (server.on_stream) output = server.on_stream(query);
    write();
  }

  void write() {
    if (next_piece == output.pieces.size()) {
      if (output.close) close();
      return;
    }
    auto& piece = output.pieces[next_piece];
    const auto sent = ::send(fd.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close();
    if (sent > 0) piece.erase(piece.begin(), piece.begin() + sent);
    if (piece.empty()) ++next_piece;
    turn = server.loop_.after(base::milliseconds(0), [this] { write(); });
  }

  void close() {
    event.reset();
    fd = net::FileDescriptor();
  }
};

NameServer::NameServer(net::Loop& loop) : loop_(loop), endpoint_(loopback(0)) {
  // The kernel chooses for UDP; that the port is free for TCP as well is likely, not certain.
  for (int attempt = 0; attempt < 100 && !tcp_; ++attempt) {
    udp_ = bound(SOCK_DGRAM, 0);
    endpoint_.port = port_of(udp_.get());
    tcp_ = bound(SOCK_STREAM, endpoint_.port);
  }
  if (!tcp_ || ::listen(tcp_.get(), 16) != 0) throw std::runtime_error("no port for a name server");
  udp_event_ = watch(loop_, udp_.get(), &NameServer::on_udp, this);
  tcp_event_ = watch(loop_, tcp_.get(), &NameServer::on_accept, this);
}

NameServer::~NameServer() = default;

void NameServer::on_udp(int, short, void* self) { static_cast<NameServer*>(self)->receive(); }
void NameServer::on_accept(int, short, void* self) { static_cast<NameServer*>(self)->accept(); }

void NameServer::receive() {
  std::array<std::uint8_t, 4096> buffer;
  sockaddr_in from{};
  socklen_t length = sizeof from;
  const auto got = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                              reinterpret_cast<sockaddr*>(&from), &length);
  if (got <= 0) return;
  datagrams.emplace_back(buffer.begin(), buffer.begin() + got);
  sources.push_back(loopback(ntohs(from.sin_port)));
  if (!on_datagram) return;
  for (const auto& reply : on_datagram(datagrams.back(), sources.back()))
    send(reply, sources.back());
}

void NameServer::accept() {
  net::FileDescriptor fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto& peer = peers_.emplace_back(Peer{*this, std::move(fd)});
  peer.event = watch(loop_, peer.fd.get(), &Peer::on_read, &peer);
}

void NameServer::send(const Bytes& datagram, const base::Endpoint& to) {
  const base::SocketAddress address(to);
  ::sendto(udp_.get(), datagram.data(), datagram.size(), 0, address.get(), address.length);
}

Bytes with_length(const Bytes& message) {
  Bytes framed;
  append_u16(framed, static_cast<unsigned>(message.size()));
  framed.insert(framed.end(), message.begin(), message.end());
  return framed;
}

std::vector<Bytes> in_single_bytes(const Bytes& bytes) {
  std::vector<Bytes> pieces;
  for (const auto byte : bytes) pieces.push_back({byte});
  return pieces;
}

base::Endpoint dead_endpoint() {
  const auto taken = bound(SOCK_DGRAM, 0);
  return loopback(port_of(taken.get()));
}

}  // namespace tlspolicyd::fakes
