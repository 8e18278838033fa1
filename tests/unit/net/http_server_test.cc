#include "net/http_server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ask.h"
#include "base/address.h"
#include "net/inherited_sockets.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;

namespace {

/// Something that waits until it is told; says when it was destroyed.
class Errand final : public base::Operation {
 public:
  explicit Errand(int& under_way) : under_way_(under_way) { ++under_way_; }
  ~Errand() override { --under_way_; }

 private:
  int& under_way_;
};

/// The real server on a unix socket of its own. /echo answers at once, /wait when it is told,
/// /large with a megabyte.
struct Bench {
  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  Loop loop;
  std::string path =
      (std::filesystem::temp_directory_path() / ("http-server-" + std::to_string(::getpid())))
          .string();
  int under_way = 0;
  std::optional<bool> over_unix;  ///< the last request
  std::vector<HttpServer::Done> waiting;
  HttpServer server{loop, [this](const auto& request, auto done) { return handle(request, done); },
                    log};

  Bench() { server.listen(UnixAddress{path, 0660, ""}); }

  HttpServer::Handling handle(const HttpRequest& request, const HttpServer::Done& done) {
    over_unix = request.over_unix;
    if (request.path == "/large") return HttpReply{.body = std::string(1'000'000, 'x')};
    if (request.path != "/wait")
      return HttpReply{
          .status = 404, .body = request.method + request.body, .media_type = "text/plain"};
    waiting.push_back(done);
    return base::OperationPtr(std::make_unique<Errand>(under_way));
  }

  FileDescriptor connect() {
    FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path.data(), path.size());
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    turns();
    return client;
  }
  void turns() { turn(loop, base::milliseconds{5}); }
  void send(const FileDescriptor& client, const std::string& bytes) {
    REQUIRE(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    turns();
  }
  FileDescriptor request(const std::string& line) {
    auto client = connect();
    send(client, line + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client;
  }
  /// What has come; "<closed>" at the end.
  std::string receive(const FileDescriptor& client) {
    turns();
    std::string all;
    char chunk[4096];
    for (;;) {
      const auto length = ::recv(client.get(), chunk, sizeof chunk, 0);
      if (length == 0) return all + "<closed>";
      if (length < 0) return all;
      all.append(chunk, static_cast<std::size_t>(length));
    }
  }
};

}  // namespace

TEST_CASE("a request is answered, and the connection closed") {
  Bench bench;
  const auto client = bench.connect();
  bench.send(client, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Le");
  CHECK(bench.receive(client).empty());
  bench.send(client, "ngth: 2\r\n\r\nok");
  CHECK(bench.receive(client) ==
        "HTTP/1.1 404 Not Found\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Length: 6\r\n"
        "Cache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n"
        "\r\n"
        "POSTok<closed>");
  CHECK(bench.server.connections() == 0);
}

TEST_CASE("a reply may come later") {
  Bench bench;
  const auto client = bench.request("GET /wait");
  CHECK(bench.server.is_busy());
  CHECK(bench.under_way == 1);
  CHECK(bench.receive(client).empty());
  bench.waiting.front()(HttpReply{.body = "{}"});
  CHECK(bench.under_way == 0);
  CHECK(bench.receive(client).ends_with("\r\n\r\n{}<closed>"));
}

TEST_CASE("network D10: a client that has shut down its writing side gets its reply") {
  for (const char* target : {"/echo", "/large", "/wait"}) {
    CAPTURE(target);
    Bench bench;
    const auto client = bench.connect();
    const auto bytes = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    REQUIRE(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0);
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    bench.turns();
    if (!bench.waiting.empty()) {
      CHECK(bench.under_way == 1);
      bench.waiting.front()(HttpReply{.body = "{}"});
    }
    std::string all;
    for (int n = 0; n < 1000 && !all.ends_with("<closed>"); ++n) all += bench.receive(client);
    CHECK(all.starts_with("HTTP/1.1 "));
    CHECK(all.ends_with("<closed>"));
    CHECK(bench.server.connections() == 0);
  }
}

TEST_CASE("half a request and an end of the input is no request") {
  Bench bench;
  const auto client = bench.connect();
  bench.send(client, "GET /wait HTTP/1.1\r\n");
  REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
  CHECK(bench.receive(client) == "<closed>");
}

TEST_CASE("a half-closed client that goes away is noticed when its reply is written") {
  Bench bench;
  auto client = bench.request("GET /wait");
  REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
  bench.turns();
  CHECK(bench.under_way == 1);
  client = {};
  bench.turns();
  bench.waiting.front()(HttpReply{.body = "{}"});
  bench.turns();
  CHECK(bench.under_way == 0);
  CHECK(bench.server.connections() == 0);
}

TEST_CASE("what is under way for a client ends when it goes away") {
  Bench bench;
  auto client = bench.request("GET /wait");
  // Whatever it goes on to send hides nothing.
  bench.send(client, std::string(10'000, 'x'));
  CHECK(bench.under_way == 1);
  client = {};
  bench.turns();
  CHECK(bench.under_way == 0);
  CHECK(bench.server.connections() == 0);
}

TEST_CASE("a refused request is answered though the client sends on") {
  Bench bench;
  const auto client = bench.connect();
  bench.send(client, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  CHECK(bench.receive(client).starts_with("HTTP/1.1 431 "));
  const auto other = bench.request("DELETE /");
  const auto reply = bench.receive(other);
  CHECK(reply.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(reply.find("\r\nAllow: GET, POST\r\n") != std::string::npos);
}

TEST_CASE("a large reply reaches a client that takes its time") {
  Bench bench;
  const auto client = bench.request("GET /large");
  std::string all;
  while (!all.ends_with("<closed>")) all += bench.receive(client);
  CHECK(all.size() > 1'000'000);
}

TEST_CASE("A-13: who says nothing makes room for newcomers, who waits for us does not") {
  Bench bench;
  std::vector<FileDescriptor> waiting;
  for (std::size_t n = 0; n < HttpServer::kMaxConnections / 2; ++n)
    waiting.push_back(bench.request("GET /wait"));
  std::vector<FileDescriptor> silent;
  for (std::size_t n = 0; n < HttpServer::kMaxConnections; ++n) silent.push_back(bench.connect());
  CHECK(bench.server.connections() == HttpServer::kMaxConnections);
  CHECK(bench.receive(silent.front()) == "<closed>");
  CHECK(bench.receive(silent.back()).empty());
  CHECK(bench.receive(bench.request("GET /echo")).starts_with("HTTP/1.1 404 "));
  CHECK(bench.under_way == HttpServer::kMaxConnections / 2);
  while (waiting.size() < HttpServer::kMaxConnections)
    waiting.push_back(bench.request("GET /wait"));
  CHECK(bench.under_way == HttpServer::kMaxConnections);
  CHECK(bench.receive(bench.connect()).starts_with("HTTP/1.1 503 "));
}

TEST_CASE("at the end nobody new is served, who waits gets the reply") {
  Bench bench;
  const auto waiting = bench.request("GET /wait");
  const auto silent = bench.connect();
  bench.server.stop_accepting();
  CHECK(bench.receive(silent) == "<closed>");
  CHECK_FALSE(std::filesystem::exists(bench.path));
  CHECK(bench.server.is_busy());
  bench.waiting.front()(HttpReply{});
  CHECK(bench.receive(waiting).starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK_FALSE(bench.server.is_busy());
}

TEST_CASE("the unix socket has the mode that was asked for") {
  const Bench bench;
  struct stat status {};
  REQUIRE(::stat(bench.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0660);
}

TEST_CASE("an inherited socket is served and left where it is") {
  Bench bench;
  bench.path += "-held";
  FileDescriptor held(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, bench.path.data(), bench.path.size());
  REQUIRE(::bind(held.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(held.get(), 8) == 0);
  bench.server.listen(take_over(std::move(held), "").descriptor);
  CHECK(bench.receive(bench.request("GET /echo")).starts_with("HTTP/1.1 404 "));
  bench.server.stop_accepting();
  CHECK(std::filesystem::exists(bench.path));
  std::filesystem::remove(bench.path);
}

TEST_CASE("a request says whether it came through a unix socket") {
  Bench bench;
  CHECK(bench.receive(bench.request("GET /echo")).starts_with("HTTP/1.1 404 "));
  CHECK(bench.over_unix == true);

  const base::SocketAddress loopback(base::Endpoint{*base::Address::parse("127.0.0.1"), 0});
  FileDescriptor held(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::bind(held.get(), loopback.get(), loopback.length) == 0);
  REQUIRE(::listen(held.get(), 8) == 0);
  sockaddr_storage where{};
  socklen_t length = sizeof where;
  REQUIRE(::getsockname(held.get(), reinterpret_cast<sockaddr*>(&where), &length) == 0);
  bench.server.listen(take_over(std::move(held), "").descriptor);
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
  bench.send(client, "GET /echo HTTP/1.0\r\n\r\n");
  CHECK(bench.over_unix == false);
}
