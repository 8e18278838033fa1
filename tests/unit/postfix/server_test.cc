#include "postfix/server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "fakes/fake_service.h"
#include "fakes/publish.h"
#include "postfix/delegation_session.h"
#include "postfix/socketmap_session.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;

namespace {

/// The real server on a unix socket of its own, its network and time faked.
struct Bench : fakes::FakeService {
  enum class Protocol { socketmap, delegation };

  net::Loop loop;
  std::vector<std::string> logged;
  base::Log server_log{base::Severity::info, base::Log::Format::text,
                       [this](auto, auto line) { logged.emplace_back(line); }};
  Responder responder{service, {}, time, log};
  DelegationRules rules{};
  DelegationTally tally;
  Server server;
  std::string path = "/tmp/tlspolicyd-unit-" + std::to_string(::getpid());

  explicit Bench(std::size_t clients = 100, Protocol protocol = Protocol::socketmap)
      : server(
            loop, [this, protocol] { return session(protocol); }, server_log, clients) {
    server.listen(net::UnixAddress{path, 0600, ""});
  }

  std::unique_ptr<Session> session(Protocol protocol) {
    if (protocol == Protocol::socketmap) return std::make_unique<SocketmapSession>(responder);
    return std::make_unique<DelegationSession>(
        service, time, rules, [](std::string_view) { return false; }, tally);
  }

  /// A new client that asks for the domain; the answer comes when time passes.
  net::FileDescriptor ask(const std::string& domain) {
    auto client = connect();
    send(client, request(domain));
    return client;
  }
  static std::string request(const std::string& domain) {
    const auto payload = "postfix " + domain;
    return std::to_string(payload.size()) + ":" + payload + ",";
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
       {"GET / HTTP/1.1\r\n\r\n", "99999999999:", "5:postfix", "00:,", "0:,", "2: a,"}) {
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

namespace {

std::string delegation_request(const std::string& recipient) {
  return "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=" + recipient + "\n\n";
}

}  // namespace

TEST_CASE("a map name without a key has no policy, and the connection stays") {
  Bench bench;
  const auto client = bench.connect();
  for (const char* bytes : {"7:postfix,", "8:postfix ,", "3:dsn,", "4:dsn ,", "5:other,"}) {
    CAPTURE(bytes);
    bench.send(client, bytes);
    CHECK(bench.receive(client) == "9:NOTFOUND ,");
  }
}

TEST_CASE("D5, C-4 when all clients wait a newcomer is answered what is cached") {
  Bench bench(4);
  fakes::publish(bench.network, "cached.test", "mx.cached.test");
  auto client = bench.ask("cached.test");
  bench.time.pass(base::seconds{1});
  const auto answer = bench.receive(client);
  REQUIRE(answer.find("OK secure match=mx.cached.test ") != std::string::npos);
  client = {};
  bench.turn();

  std::vector<net::FileDescriptor> waiting;
  for (int n = 0; n < 4; ++n) waiting.push_back(bench.ask("evil.test"));
  for (int n = 0; n < 3; ++n) {
    CAPTURE(n);
    CHECK(bench.receive(bench.ask("cached.test")) == answer);
  }
  for (const auto& one : waiting) CHECK(bench.receive(one).empty());
  CHECK(bench.server.displaced() == 0);
}

TEST_CASE("D5 a newcomer that has to wait takes the place of who waits longest") {
  Bench bench(4);
  std::vector<net::FileDescriptor> waiting;
  for (int n = 0; n < 4; ++n) waiting.push_back(bench.ask("evil.test"));
  const auto newcomer = bench.ask("good.test");
  CHECK(bench.receive(waiting[0]) == "closed");
  CHECK(bench.receive(waiting[1]).empty());
  CHECK(bench.server.displaced() == 1);
  bench.time.pass(base::seconds{1});
  CHECK(bench.receive(newcomer) == "9:NOTFOUND ,");
  for (std::size_t n = 1; n < 4; ++n) CHECK(bench.receive(waiting[n]) == "9:NOTFOUND ,");
}

TEST_CASE("D5, decision 31 the domain with the most waiting clients gives way, whoever was first") {
  Bench bench(4);
  const auto good = bench.ask("good.test");
  std::vector<net::FileDescriptor> evil;
  for (int n = 0; n < 40; ++n) evil.push_back(bench.ask("n" + std::to_string(n) + ".evil.test"));
  CHECK(bench.server.displaced() == 37);
  const auto other = bench.ask("other.test");
  bench.time.pass(base::seconds{1});
  CHECK(bench.receive(good) == "9:NOTFOUND ,");
  CHECK(bench.receive(other) == "9:NOTFOUND ,");
  CHECK(bench.receive(evil.back()) == "9:NOTFOUND ,");
  CHECK(bench.receive(evil.front()) == "closed");
}

TEST_CASE("D5 connections are bounded and the log is not flooded") {
  constexpr std::size_t kLimit = 20;
  Bench bench(kLimit);
  std::vector<net::FileDescriptor> clients;
  std::size_t most = 0;
  for (int n = 0; n < 200; ++n) {
    clients.push_back(n % 3 == 0 ? bench.connect() : bench.ask("evil.test"));
    most = std::max(most, bench.server.connections());
  }
  CHECK(most > kLimit);
  CHECK(most <= kLimit + Server::reserve_for(kLimit));
  CHECK(bench.server.displaced() > 100);
  CHECK(bench.logged == std::vector<std::string>{
                            "warning: waiting clients displaced: too many wait for answers count=1 "
                            "waiting=21"});
}

TEST_CASE("D5, A-13 when file descriptors are used up a newcomer is served as well") {
  Bench bench;
  std::vector<net::FileDescriptor> waiting;
  for (int n = 0; n < 4; ++n) waiting.push_back(bench.ask("evil.test"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{.rlim_cur = 100, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<net::FileDescriptor> rest;
  for (net::FileDescriptor one(::dup(0)); one; one = net::FileDescriptor(::dup(0)))
    rest.push_back(std::move(one));
  rest.pop_back();  // for the client's own end
  const auto newcomer = bench.ask(".test");
  CHECK(bench.receive(newcomer) == "9:NOTFOUND ,");
  CHECK(bench.receive(waiting[0]) == "closed");
  CHECK(bench.receive(waiting[1]).empty());
  rest.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("D5 the reserve is a sixteenth, at least 16, and not more than the limit") {
  CHECK(Server::reserve_for(4096) == 256);
  CHECK(Server::reserve_for(100) == 16);
  CHECK(Server::reserve_for(3) == 3);
  CHECK(Server::reserve_for(1) == 1);
}

TEST_CASE("D5 policy delegation: who gives way is told DUNNO at once, and goes on") {
  Bench bench(2, Bench::Protocol::delegation);
  std::vector<net::FileDescriptor> clients;
  for (int n = 0; n < 3; ++n) {
    clients.push_back(bench.connect());
    bench.send(clients.back(), delegation_request("bob@evil.test"));
  }
  CHECK(bench.receive(clients[0]) == kDunno);
  CHECK(bench.receive(clients[1]).empty());
  bench.send(clients[0], delegation_request("bob@[192.0.2.1]"));
  CHECK(bench.receive(clients[0]) == kDunno);
  bench.time.pass(base::seconds{6});
  CHECK(bench.receive(clients[2]) == kDunno);
}

TEST_CASE("D5 policy delegation: requests sent ahead do not get round the limit") {
  Bench bench(2, Bench::Protocol::delegation);
  std::string many;
  for (int n = 0; n < 50; ++n) many += delegation_request("bob@n" + std::to_string(n) + ".test");
  std::vector<net::FileDescriptor> clients;
  for (int n = 0; n < 6; ++n) {
    clients.push_back(bench.connect());
    bench.send(clients.back(), many);
    CHECK(bench.server.connections() <= 4);
  }
  for (int n = 0; n < 20; ++n) bench.turn();
  CHECK(bench.server.displaced() < 1000);
}

TEST_CASE("network D10: a client that has shut down its writing side gets its answers") {
  for (const char* way : {"waiting", "settled", "several"}) {
    CAPTURE(way);
    const std::string_view kind(way);
    Bench bench;
    const auto client = bench.connect();
    const auto bytes = kind == "waiting"   ? Bench::request("wait.test")
                       : kind == "settled" ? Bench::request(".test")
                                           : Bench::request("wait.test") + Bench::request(".test") +
                                                 "16:half a request";
    REQUIRE(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    bench.turn();
    CHECK(bench.server.is_busy() == (kind != "settled"));
    bench.time.pass(base::seconds{1});
    CHECK(bench.receive(client) ==
          (kind == "several" ? "9:NOTFOUND ,9:NOTFOUND ,closed" : "9:NOTFOUND ,closed"));
    CHECK(bench.server.connections() == 0);
  }
}

TEST_CASE("a half-closed client that takes long gives way like any other") {
  Bench bench(1);
  const auto client = bench.ask("wait.test");
  REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
  bench.turn();
  const auto other = bench.ask("other.test");
  CHECK(bench.receive(client) == "closed");
  bench.time.pass(base::seconds{1});
  CHECK(bench.receive(other) == "9:NOTFOUND ,");
}

TEST_CASE("network D10: C-9 the last reply reaches a client that goes on sending") {
  Bench bench(100, Bench::Protocol::delegation);
  const auto client = bench.connect();
  const std::string bytes = "no attribute\n\n" + std::string(60'000, 'x');
  REQUIRE(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  bench.turn();
  bench.send(client, std::string(60'000, 'x'));
  CHECK(bench.receive(client) == std::string(kDunno) + "closed");
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("C-9 what a client sends after the last reply is bounded in bytes and time") {
  Bench bench;
  const auto talker = bench.connect();
  const auto silent = bench.connect();
  bench.send(talker, "x");
  bench.send(silent, "x");
  CHECK(bench.server.connections() == 2);
  const std::string more(65'536, 'x');
  std::size_t taken = 0;
  for (int n = 0; n < 400 && bench.server.connections() == 2; ++n) {
    const auto length = ::send(talker.get(), more.data(), more.size(), MSG_NOSIGNAL);
    if (length > 0) taken += static_cast<std::size_t>(length);
    bench.turn();
  }
  CHECK(taken > 500'000);
  CHECK(taken < 2'000'000);
  CHECK(bench.server.connections() == 1);
  const auto timer = bench.loop.after(Connection::kClosePatience + base::milliseconds{200},
                                      [&] { bench.loop.stop(); });
  bench.loop.run();
  CHECK(bench.server.connections() == 0);
}
