#include "postfix/server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "fakes/fake_service.h"
#include "postfix/socketmap_session.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;

namespace {

/// The real server on a unix socket of its own, its network and time faked.
struct Bench : fakes::FakeService {
  net::Loop loop;
  Responder responder{service, {}, time, log};
  Server server;
  std::string path = "/tmp/tlspolicyd-unit-" + std::to_string(::getpid());

  explicit Bench(std::size_t clients = 100)
      : server(
            loop, [this] { return std::make_unique<SocketmapSession>(responder); }, log, clients) {
    server.listen(net::UnixAddress{path, 0600, ""});
  }

  net::FileDescriptor connect() {
    net::FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path.data(), path.size());
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    turn();
    return client;
  }
  void turn() {
    const auto timer = loop.after(base::milliseconds{5}, [this] { loop.stop(); });
    loop.run();
  }
  void send(const net::FileDescriptor& client, const std::string& bytes) {
    REQUIRE(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    turn();
  }
  /// What has come; "closed" at the end.
  std::string receive(const net::FileDescriptor& client) {
    turn();
    std::string all;
    char chunk[4096];
    for (;;) {
      const auto length = ::recv(client.get(), chunk, sizeof chunk, 0);
      if (length == 0) return all + "closed";
      if (length < 0) return all;
      all.append(chunk, static_cast<std::size_t>(length));
    }
  }
};

}  // namespace

TEST_CASE("requests in one piece, in single bytes and several at once") {
  Bench bench;
  const auto client = bench.connect();
  bench.send(client, "16:postfix .test.or,");
  CHECK(bench.receive(client) == "9:NOTFOUND ,");
  for (const char c : std::string("16:postfix .test.or,")) bench.send(client, std::string(1, c));
  CHECK(bench.receive(client) == "9:NOTFOUND ,");
  bench.send(client, "16:postfix .test.or,16:postfix .test.or,16:post");
  CHECK(bench.receive(client) == "9:NOTFOUND ,9:NOTFOUND ,");
  bench.send(client, "fix .test.or,");
  CHECK(bench.receive(client) == "9:NOTFOUND ,");
}

TEST_CASE("decisions 16: replies come in the order of the requests, also when one waits") {
  Bench bench;
  const auto client = bench.connect();
  bench.send(client, "17:postfix wait.test,16:postfix .test.or,");
  CHECK(bench.receive(client).empty());
  bench.time.pass(base::seconds{1});
  CHECK(bench.receive(client) == "9:NOTFOUND ,9:NOTFOUND ,");
}

TEST_CASE("C-9 malformed input closes that connection only") {
  Bench bench;
  const auto good = bench.connect();
  for (const char* bytes :
       {"GET / HTTP/1.1\r\n\r\n", "99999999999:", "5:postfix", "00:,", "7:postfix,"}) {
    CAPTURE(bytes);
    const auto bad = bench.connect();
    bench.send(bad, bytes);
    CHECK(bench.receive(bad) == "closed");
  }
  bench.send(good, "16:postfix .test.or,");
  CHECK(bench.receive(good) == "9:NOTFOUND ,");
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("C-4 when there is no room the longest idle connection goes, and new ones are served") {
  Bench bench(3);
  std::vector<net::FileDescriptor> clients;
  for (int n = 0; n < 3; ++n) clients.push_back(bench.connect());
  bench.send(clients[0], "16:postfix .test.or,");
  CHECK(bench.receive(clients[0]) == "9:NOTFOUND ,");
  clients.push_back(bench.connect());
  CHECK(bench.server.connections() == 3);
  CHECK(bench.receive(clients[1]) == "closed");
  CHECK(bench.receive(clients[0]).empty());
  bench.send(clients[3], "16:postfix .test.or,");
  CHECK(bench.receive(clients[3]) == "9:NOTFOUND ,");
}

TEST_CASE("a client that goes away while it waits leaves nothing behind") {
  Bench bench;
  {
    const auto client = bench.connect();
    bench.send(client, "17:postfix wait.test,");
    CHECK(bench.server.is_busy());
  }
  bench.turn();
  CHECK(bench.server.connections() == 0);
  bench.time.pass(base::seconds{60});
  CHECK(bench.service.in_flight() == 0);
}

TEST_CASE("a client that asks without reading is served no further, and everything in the end") {
  Bench bench;
  const auto client = bench.connect();
  std::string many;
  for (int n = 0; n < 200; ++n) many += "16:postfix .test.or,";
  std::size_t asked = 0;
  for (int n = 0; n < 2000; ++n) {
    if (::send(client.get(), many.data(), many.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(many.size()))
      break;
    asked += 200;
    if (n % 10 == 0) bench.turn();
  }
  REQUIRE(asked > 0);
  std::size_t bytes = 0;
  for (int n = 0; n < 5000 && bytes < asked * 12; ++n) bytes += bench.receive(client).size();
  CHECK(bytes >= asked * 12);
}

TEST_CASE(
    "C-4 what a client sends ahead is bounded, also while an answer of ours cannot be written") {
  Bench bench;
  const auto client = bench.connect();
  // Replies fill the socket until one of them stays unsent, and one question waits.
  std::string many;
  for (int n = 0; n < 500; ++n) many += "16:postfix .test.or,";
  many += "17:postfix wait.test,";
  for (int n = 0; n < 200; ++n) {
    if (::send(client.get(), many.data(), many.size(), MSG_NOSIGNAL) < 0) break;
    bench.turn();
  }
  bench.time.pass(base::seconds{1});
  std::size_t taken = 0;
  const std::string more(16'384, '1');
  for (int n = 0; n < 400; ++n) {
    const auto length = ::send(client.get(), more.data(), more.size(), MSG_NOSIGNAL);
    if (length > 0) taken += static_cast<std::size_t>(length);
    bench.turn();
  }
  // What the kernel's own buffers hold, and not a byte a turn for ever.
  CHECK(taken < 2'000'000);
}

TEST_CASE("stop_accepting closes what waits for nothing and lets the others finish") {
  Bench bench;
  const auto idle = bench.connect();
  const auto waiting = bench.connect();
  bench.send(waiting, "17:postfix wait.test,");
  bench.server.stop_accepting();
  CHECK(bench.receive(idle) == "closed");
  CHECK(bench.server.is_busy());
  bench.time.pass(base::seconds{1});
  CHECK(bench.receive(waiting) == "9:NOTFOUND ,");
  CHECK_FALSE(bench.server.is_busy());
}
