#include "net/connector.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <optional>

using tlspolicyd::base::Address;
using tlspolicyd::base::Endpoint;
using tlspolicyd::base::Fault;
using tlspolicyd::base::OperationPtr;
using tlspolicyd::base::Result;
using namespace tlspolicyd::net;
using namespace std::chrono_literals;

namespace {

/// A socket bound to a loopback address and a port of the kernel's choice.
class Port {
 public:
  explicit Port(const char* address = "127.0.0.1", std::uint16_t port = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const tlspolicyd::base::SocketAddress where({Address::parse(address).value(), port});
    REQUIRE(::bind(fd_.get(), where.get(), where.length) == 0);
    sockaddr_in in{};
    socklen_t size = sizeof in;
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&in), &size) == 0);
    endpoint_ = {Address::parse(address).value(), ntohs(in.sin_port)};
  }

  Port& accepting() {
    REQUIRE(::listen(fd_.get(), 16) == 0);
    return *this;
  }

  /// Listens, with its queue full: the kernel drops further SYNs, as a firewall would.
  Port& silent() {
    REQUIRE(::listen(fd_.get(), 0) == 0);
    const tlspolicyd::base::SocketAddress where(endpoint_);
    for (auto& client : queue_) {
      client = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(client.get(), where.get(), where.length);
    }
    return *this;
  }

  /// Resets the connection that waits to be accepted.
  void reset_one() {
    const FileDescriptor peer(::accept(fd_.get(), nullptr, nullptr));
    REQUIRE(peer);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  }

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  FileDescriptor fd_;
  Endpoint endpoint_{Address::parse("0.0.0.0").value(), 0};
  FileDescriptor queue_[4];
};

struct World {
  Loop loop;

  Result<Connection> connect(std::vector<Endpoint> endpoints) {
    std::optional<Result<Connection>> result;
    OperationPtr connector = std::make_unique<Connector>(loop, std::move(endpoints), [&](auto r) {
      result = std::move(r);
      connector.reset();
      loop.stop();
    });
    CHECK_FALSE(result.has_value());  // never from inside the constructor
    const auto guard = loop.after(20s, [&] { loop.stop(); });
    loop.run();
    REQUIRE(result.has_value());
    return std::move(*result);
  }
};

Endpoint unreachable() { return {Address::parse("255.255.255.255").value(), 443}; }

std::vector<std::string> ordered(std::initializer_list<const char*> texts) {
  std::vector<Address> addresses;
  for (const auto* text : texts) addresses.push_back(Address::parse(text).value());
  std::vector<std::string> order;
  for (const auto& address : connection_order(addresses)) order.push_back(address.text());
  return order;
}

}  // namespace

TEST_CASE("RFC 8305 4: families by turns, IPv6 first, no doubles, at most eight") {
  using List = std::vector<std::string>;
  CHECK(ordered({}) == List{});
  CHECK(ordered({"192.0.2.1"}) == List{"192.0.2.1"});
  CHECK(ordered({"192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"}) ==
        List{"2001:db8::1", "192.0.2.1", "192.0.2.2"});
  CHECK(ordered({"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5",
                 "2001:db8::6", "2001:db8::7", "2001:db8::8", "2001:db8::9", "192.0.2.1"}) ==
        List{"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5",
             "2001:db8::6", "2001:db8::7"});
}

TEST_CASE("connects, and gives the socket as promised") {
  World world;
  Port port;
  port.accepting();
  const auto connection = world.connect({port.endpoint()});
  REQUIRE(connection.ok());
  CHECK(connection->peer == port.endpoint());
  CHECK(connection->others.empty());
  const int fd = connection->fd.get();
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  CHECK(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
  CHECK(no_delay != 0);
}

TEST_CASE("a refused address leads to the next one") {
  World world;
  Port closed("127.0.0.2"), open("127.0.0.3"), unused("127.0.0.4");
  open.accepting();
  const auto connection = world.connect({closed.endpoint(), open.endpoint(), unused.endpoint()});
  REQUIRE(connection.ok());
  CHECK(connection->peer == open.endpoint());
  // The refused one is out, the one not tried is left.
  CHECK(connection->others == std::vector{unused.endpoint()});
}

TEST_CASE("an address that cannot be reached at all leads to the next one") {
  World world;
  Port open;
  open.accepting();
  const auto connection = world.connect({unreachable(), open.endpoint()});
  REQUIRE(connection.ok());
  CHECK(connection->peer == open.endpoint());
}

TEST_CASE("a silent address is overtaken, not waited for") {
  World world;
  Port silent("127.0.0.2"), open("127.0.0.3");
  silent.silent();
  open.accepting();
  const auto connection = world.connect({silent.endpoint(), open.endpoint()});
  REQUIRE(connection.ok());
  CHECK(connection->peer == open.endpoint());
  // It had not failed when the next one was tried.
  CHECK(connection->others == std::vector{silent.endpoint()});
}

TEST_CASE("when all fail, the last cause is told") {
  World world;
  Port one("127.0.0.2"), two("127.0.0.3");
  const auto connection = world.connect({one.endpoint(), two.endpoint()});
  REQUIRE_FALSE(connection.ok());
  CHECK(connection.error().fault == Fault::connect);
  CHECK(connection.error().text == two.endpoint().text() + ": Connection refused");
}

TEST_CASE("an immediate failure of the only address comes back through the loop") {
  World world;
  const auto connection = world.connect({unreachable()});
  REQUIRE_FALSE(connection.ok());
  CHECK(connection.error().fault == Fault::connect);
  CHECK(connection.error().text.starts_with("255.255.255.255:443: "));
}

TEST_CASE("a reset before we look is a connection all the same") {
  World world;
  Port port;
  port.accepting();
  std::optional<Result<Connection>> result;
  Connector connector(world.loop, {port.endpoint()}, [&](auto r) {
    result = std::move(r);
    world.loop.stop();
  });
  // Set after the connector's own, so it ends the turn in which that has called connect(2).
  const auto one_turn = world.loop.after(0ms, [&] { world.loop.stop(); });
  world.loop.run();
  port.reset_one();
  const auto guard = world.loop.after(20s, [&] { world.loop.stop(); });
  world.loop.run();
  REQUIRE(result.has_value());
  CHECK(result->ok());
}

TEST_CASE("D2: what is added is tried, also while an address is silent") {
  World world;
  Port silent("127.0.0.2"), open("127.0.0.3");
  silent.silent();
  open.accepting();
  std::optional<Result<Connection>> result;
  Connector connector(world.loop, {silent.endpoint()}, [&](auto r) {
    result = std::move(r);
    world.loop.stop();
  });
  const auto late = world.loop.after(400ms, [&] { connector.add({open.endpoint()}); });
  const auto guard = world.loop.after(3s, [&] { world.loop.stop(); });
  world.loop.run();
  REQUIRE(result.has_value());
  REQUIRE(result->ok());
  CHECK((*result)->peer == open.endpoint());
  CHECK((*result)->others == std::vector{silent.endpoint()});
}

TEST_CASE("a connector that is kept after its end stays quiet") {
  World world;
  Port closed("127.0.0.2"), also_closed("127.0.0.3");
  int calls = 0;
  Connector connector(world.loop, {closed.endpoint(), also_closed.endpoint()},
                      [&](auto) { ++calls; });
  const auto guard = world.loop.after(400ms, [&] { world.loop.stop(); });
  world.loop.run();
  CHECK(calls == 1);
}

TEST_CASE("destroying it cancels without a word") {
  World world;
  Port silent;
  silent.silent();
  int calls = 0;
  {
    Connector connector(world.loop, {silent.endpoint(), silent.endpoint()}, [&](auto) { ++calls; });
    const auto some_time = world.loop.after(20ms, [&] { world.loop.stop(); });
    world.loop.run();
  }
  const auto more_time = world.loop.after(300ms, [&] { world.loop.stop(); });
  world.loop.run();
  CHECK(calls == 0);
}
