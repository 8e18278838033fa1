#pragma once

#include <functional>
#include <list>
#include <vector>

#include "base/address.h"
#include "fakes/dns_reply.h"
#include "net/file_descriptor.h"
#include "net/loop.h"

namespace tlspolicyd::fakes {

/// A scripted name server on 127.0.0.1, UDP and TCP at one port that the kernel chooses, turned by
/// the test's loop.
class NameServer {
 public:
  /// A query over UDP: the datagrams to send back, in order. `from` is whence it came.
  using OnDatagram =
      std::function<std::vector<Bytes>(const Bytes& query, const base::Endpoint& from)>;
  /// What is written to a TCP connection, piece by piece in turns of their own, and whether the
  /// connection ends thereafter. A length in front is for the test to write (with_length).
  struct Stream {
    std::vector<Bytes> pieces;
    bool close = false;
  };
  using OnStream = std::function<Stream(const Bytes& query)>;

  /// `loop` must outlive it.
  explicit NameServer(net::Loop& loop);
  ~NameServer();

  const base::Endpoint& endpoint() const { return endpoint_; }

  /// Without a handler it is silent.
  OnDatagram on_datagram;
  OnStream on_stream;

  /// All that came, refused or not.
  std::vector<Bytes> datagrams;
  std::vector<base::Endpoint> sources;
  std::vector<Bytes> streams;

  /// Sends one datagram from its own port.
  void send(const Bytes& datagram, const base::Endpoint& to);

 private:
  struct Peer;
  static void on_udp(int fd, short what, void* self);
  static void on_accept(int fd, short what, void* self);
  void receive();
  void accept();

  net::Loop& loop_;
  base::Endpoint endpoint_;
  net::FileDescriptor udp_, tcp_;
  std::list<Peer> peers_;
  net::EventPtr udp_event_, tcp_event_;
};

/// A message behind its length, as TCP carries it.
Bytes with_length(const Bytes& message);

/// One piece for each octet.
std::vector<Bytes> in_single_bytes(const Bytes& bytes);

/// A loopback endpoint of UDP at which nobody listens.
base::Endpoint dead_endpoint();

}  // namespace tlspolicyd::fakes
