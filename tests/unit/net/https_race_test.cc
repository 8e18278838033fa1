#include "net/https_race.h"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>

#include "fakes/certificates.h"
#include "fakes/https_server.h"
#include "fakes/scripted_resolver.h"
#include "net/host_lookup.h"
#include "net/https_client.h"

using namespace std::chrono_literals;
using namespace tlspolicyd::fakes;
using namespace tlspolicyd::net;
using tlspolicyd::base::Address;
using tlspolicyd::base::DomainName;
using tlspolicyd::base::Error;
using tlspolicyd::base::Fault;
using tlspolicyd::base::milliseconds;
using tlspolicyd::base::OperationPtr;
using tlspolicyd::base::Prefix;
using tlspolicyd::base::Result;

namespace {

const std::string kHost = "mta-sts.example.com";
const std::string kReply =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

const CertificateAuthority& authority() {
  static const CertificateAuthority ca;
  return ca;
}

const Identity& good() {
  static const auto identity = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  return identity;
}

const Identity& wrong() {
  static const auto identity =
      authority().issue({.common_name = "x", .dns_names = {"other.example"}});
  return identity;
}

const HttpsServer::Script& fine() {
  static const auto script = HttpsServer::answering(kReply);
  return script;
}

/// Waits for whatever the client does after its request, which is to close.
void silent_after_request(HttpsServer::Connection& connection) {
  if (!connection.handshake()) return;
  connection.request();
  connection.wait();
}

/// Takes the connection and says nothing: a path-MTU hole, or a dead node behind a balancer.
void silent_in_handshake(HttpsServer::Connection& connection) {
  char hello[4096];
  while (::recv(connection.fd(), hello, sizeof hello, 0) > 0) continue;
}

HttpsServer::Script slow(int ms) {
  return [ms](HttpsServer::Connection& connection) {
    if (!connection.handshake()) return;
    connection.request();
    connection.pause(ms);
    connection.write(kReply);
    connection.close_notify();
  };
}

struct World {
  Loop loop;
  ScriptedResolver resolver{loop};
  SecureHttpsClient::Options options;
  TemporaryFile ca{authority().pem()};
  milliseconds took{0};

  explicit World(std::uint16_t port, const std::vector<std::string_view>& addresses = {}) {
    std::signal(SIGPIPE, SIG_IGN);
    options.port = port;
    options.ca_file = ca.path();
    options.allow_addresses = {Prefix::parse("127.0.0.0/8").value(),
                               Prefix::parse("::1/128").value()};
    if (!addresses.empty()) resolver.addresses(addresses);
  }

  void answer(RecordType type, std::string_view address, milliseconds delay) {
    DnsAnswer answer;
    answer.kind = DnsAnswer::Kind::records;
    answer.addresses = {Address::parse(address).value()};
    resolver.answer(type, answer);
    resolver.delay(type, delay);
  }

  Result<HttpsReply> get() {
    SecureHttpsClient client(loop, resolver, options);
    std::optional<Result<HttpsReply>> result;
    OperationPtr operation =
        client.get({DomainName::parse(kHost).value(), "/"}, [&](Result<HttpsReply> reply) {
          CHECK_FALSE(result.has_value());
          result = std::move(reply);
          operation.reset();
          loop.stop();
        });
    const auto began = std::chrono::steady_clock::now();
    const auto guard = loop.after(60s, [&] { loop.stop(); });
    loop.run();
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    REQUIRE(result.has_value());
    return std::move(*result);
  }
};

/// The same port at several loopback addresses, 127.0.0.1 and up.
struct Servers {
  std::vector<std::unique_ptr<HttpsServer>> all;
  std::vector<std::string> texts;

  Servers& add(const Identity& identity, HttpsServer::Script script) {
    texts.push_back("127.0.0." + std::to_string(all.size() + 1));
    const auto port = all.empty() ? std::uint16_t{0} : all.front()->port();
    all.push_back(std::make_unique<HttpsServer>(
        identity, std::move(script), HttpsServer::Options{.address = texts.back(), .port = port}));
    return *this;
  }
  std::uint16_t port() const { return all.front()->port(); }
  std::vector<std::string_view> addresses() const { return {texts.begin(), texts.end()}; }
};

}  // namespace

TEST_CASE("F14 D3: an address that takes the connection and says nothing is overtaken") {
  Servers servers;
  SUBCASE("in the handshake") { servers.add(good(), silent_in_handshake); }
  SUBCASE("after the request") { servers.add(good(), silent_after_request); }
  servers.add(good(), fine());
  World world(servers.port(), servers.addresses());
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.2:"));
  CHECK(world.took >= HttpsRace::kStall - 10ms);  // a timer may fire a tick early
  CHECK(world.took < 5 * HttpsRace::kStall);
}

TEST_CASE("F14: several silent ones, and the last address answers") {
  Servers servers;
  servers.add(good(), silent_in_handshake).add(good(), silent_after_request).add(good(), fine());
  World world(servers.port(), servers.addresses());
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.3:"));
  CHECK(world.took < 2 * HttpsRace::kStall + 2s);
  // All but one of as many as there may be: within the time that an answer waits for a policy.
  static_assert((Connector::kMaxAddresses - 1) * HttpsRace::kStall < 20s);
}

TEST_CASE("F14: a slow address is overtaken, not dropped") {
  Servers servers;
  servers.add(good(), slow(3500)).add(good(), silent_in_handshake);
  World world(servers.port(), servers.addresses());
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.1:"));
  CHECK(servers.all[1]->connections() == 1);
}

TEST_CASE("F14: the only address, and the last one, have all the time there is") {
  Servers servers;
  servers.add(good(), slow(4500));
  World world(servers.port(), servers.addresses());
  CHECK(world.get().ok());
  CHECK(servers.all[0]->connections() == 1);
}

TEST_CASE("the first byte of a response decides, and ends the others") {
  std::atomic<bool> was_closed = false;
  {
    Servers servers;
    // Overtaken after 2 s; the first byte after 3 s; what follows is wrong, and final.
    servers
        .add(good(),
             [](HttpsServer::Connection& connection) {
               if (!connection.handshake()) return;
               connection.request();
               connection.pause(3000);
               connection.write("HTTP/1.1 200 OK\r\n");
               connection.pause(1000);
               connection.close_notify();
             })
        .add(good(), [&](HttpsServer::Connection& connection) {
          silent_after_request(connection);
          was_closed = true;
        });
    World world(servers.port(), servers.addresses());
    const auto reply = world.get();
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().text == kHost + ": response ended early");
    CHECK(world.took < 6s);
  }
  CHECK(was_closed);
}

TEST_CASE("where all are silent, the deadline holds") {
  Servers servers;
  servers.add(good(), silent_in_handshake).add(good(), silent_after_request);
  World world(servers.port(), servers.addresses());
  world.options.timeout = 3s;
  const auto reply = world.get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().fault == Fault::deadline);
  CHECK(world.took < 4s);
}

TEST_CASE("F15: a certificate that fails at one address is not final") {
  Servers servers;
  servers.add(wrong(), fine()).add(good(), fine());
  World world(servers.port(), servers.addresses());
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.2:"));
  // Nothing was waited for.
  CHECK(world.took < HttpsRace::kStall);
}

TEST_CASE("F15: where every address fails, a certificate is what is reported") {
  Servers servers;
  auto deadline = 60s;
  SUBCASE("all by their certificates") { servers.add(wrong(), fine()).add(wrong(), fine()); }
  SUBCASE("the other is reset") {
    servers.add(wrong(), fine()).add(good(), [](HttpsServer::Connection& connection) {
      connection.reset();
    });
  }
  SUBCASE("the other says nothing") {
    servers.add(wrong(), fine()).add(good(), silent_in_handshake);
    deadline = 3s;
  }
  World world(servers.port(), servers.addresses());
  world.options.timeout = deadline;
  const auto reply = world.get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().fault == Fault::certificate);
  CHECK(reply.error().text.ends_with(":" + std::to_string(servers.port()) + ": hostname mismatch"));
  for (const auto& server : servers.all) CHECK(server->connections() >= 1);
}

TEST_CASE("each address is connected to once, and no more than eight") {
  Servers servers;
  for (int i = 0; i < 10; ++i) servers.add(wrong(), fine());
  World world(servers.port(), servers.addresses());
  CHECK(world.get().error().fault == Fault::certificate);
  for (std::size_t i = 0; i < servers.all.size(); ++i)
    CHECK(servers.all[i]->connections() == (i < Connector::kMaxAddresses ? 1 : 0));
}

TEST_CASE("D2: an A record that comes late is used where IPv6 leads nowhere") {
  const HttpsServer server(good(), fine());
  World world(server.port());
  // ::1 refuses, or does not exist: both are what an IPv4-only machine sees.
  world.answer(RecordType::aaaa, "::1", 0ms);
  world.answer(RecordType::a, "127.0.0.1", 2500ms);
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.1:"));
}

TEST_CASE("D2: an AAAA record that comes late is used where IPv4 leads nowhere") {
  std::optional<HttpsServer> server;
  try {
    server.emplace(good(), fine(), HttpsServer::Options{.address = "::1"});
  } catch (const std::runtime_error&) {
    MESSAGE("no IPv6 here");
    return;
  }
  World world(server->port());
  world.answer(RecordType::a, "127.0.0.1", 0ms);
  world.answer(RecordType::aaaa, "::1", 2500ms);
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("[::1]:"));
}

TEST_CASE("D2 F14: the late family overtakes the one that is silent") {
  Servers servers;
  servers.add(good(), silent_in_handshake);
  std::optional<HttpsServer> other;
  try {
    other.emplace(good(), fine(), HttpsServer::Options{.address = "::1", .port = servers.port()});
  } catch (const std::runtime_error&) {
    MESSAGE("no IPv6 here");
    return;
  }
  World world(servers.port());
  world.answer(RecordType::a, "127.0.0.1", 0ms);
  milliseconds most{0};
  SUBCASE("that is stalled already") {
    world.answer(RecordType::aaaa, "::1", 4000ms);
    most = 5500ms;
  }
  SUBCASE("that has just begun") {
    world.answer(RecordType::aaaa, "::1", 1500ms);
    most = 5000ms;
  }
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("[::1]:"));
  CHECK(world.took < most);
}

TEST_CASE("D2: a family that is broken delays no host that answers") {
  const HttpsServer server(good(), fine());
  World world(server.port());
  world.answer(RecordType::a, "127.0.0.1", 0ms);
  // AAAA is never answered.
  CHECK(world.get().ok());
  CHECK(world.took < HostLookup::kGrace + 2s);
}

TEST_CASE(
    "D2: the failure is the host's where the late family has nothing, ours where it is ours") {
  std::uint16_t port = 0;
  { port = HttpsServer(good(), fine()).port(); }
  World world(port);
  world.answer(RecordType::a, "127.0.0.1", 0ms);
  Fault fault = Fault::connect;
  SUBCASE("no records") { world.resolver.answer(RecordType::aaaa, DnsAnswer()); }
  SUBCASE("servers of the domain that are silent") {
    world.resolver.answer(RecordType::aaaa, Error{Fault::dns_timeout, "no answer"});
  }
  SUBCASE("no resolver") {
    world.resolver.answer(RecordType::aaaa, Error{Fault::dns_unreachable, "none"});
    fault = Fault::dns_unreachable;
  }
  world.resolver.delay(RecordType::aaaa, 1500ms);
  const auto reply = world.get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().fault == fault);
}
