#include "net/https_client.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include "fakes/certificates.h"
#include "fakes/https_server.h"
#include "fakes/scripted_resolver.h"
#include "net/file_descriptor.h"

using namespace std::chrono_literals;
using namespace tlspolicyd::fakes;
using namespace tlspolicyd::net;
using tlspolicyd::base::DomainName;
using tlspolicyd::base::Error;
using tlspolicyd::base::Fault;
using tlspolicyd::base::OperationPtr;
using tlspolicyd::base::Prefix;
using tlspolicyd::base::Result;

namespace {

const std::string kHost = "mta-sts.example.com";
const std::string kPath = "/.well-known/mta-sts.txt";
const std::string kPolicy = "version: STSv1\nmode: none\nmax_age: 86400\n";

std::string ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

const CertificateAuthority& authority() {
  static const CertificateAuthority ca;
  return ca;
}

const std::string& ca_path() {
  static const TemporaryFile file(authority().pem());
  return file.path();
}

const Identity& good() {
  static const auto identity = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  return identity;
}

/// A loop, a resolver that knows 127.0.0.1, and a client that may connect there.
struct World {
  Loop loop;
  ScriptedResolver resolver{loop};
  SecureHttpsClient::Options options;

  explicit World(std::uint16_t port = 443,
                 const std::vector<std::string_view>& addresses = {"127.0.0.1"}) {
    std::signal(SIGPIPE, SIG_IGN);
    options.port = port;
    options.ca_file = ca_path();
    options.allow_addresses = {Prefix::parse("127.0.0.0/8").value()};
    if (!addresses.empty()) resolver.addresses(addresses);
  }
  explicit World(const HttpsServer& server) : World(server.port()) {}

  Result<HttpsReply> get(const std::string& host = kHost) {
    SecureHttpsClient client(loop, resolver, options);
    std::optional<Result<HttpsReply>> result;
    OperationPtr operation =
        client.get({DomainName::parse(host).value(), kPath}, [&](Result<HttpsReply> reply) {
          CHECK_FALSE(result.has_value());
          result = std::move(reply);
          operation.reset();
          loop.stop();
        });
    CHECK_FALSE(result.has_value());
    const auto guard = loop.after(60s, [&] { loop.stop(); });
    loop.run();
    REQUIRE(result.has_value());
    return std::move(*result);
  }

  /// The error of a get() that must fail.
  Error refused(const std::string& host = kHost) {
    auto reply = get(host);
    REQUIRE_FALSE(reply.ok());
    INFO(reply.error().text);
    CHECK(reply.error().text.starts_with(host + ": "));
    CHECK(std::all_of(reply.error().text.begin(), reply.error().text.end(),
                      [](char c) { return c >= 0x20 && c < 0x7f; }));
    return reply.error();
  }
};

/// What a server with this identity and script makes of one GET.
Error refusal(const Identity& identity, HttpsServer::Script script) {
  const HttpsServer server(identity, std::move(script));
  return World(server).refused();
}

Error refusal(const std::string& response) {
  return refusal(good(), HttpsServer::answering(response));
}

/// After the handshake and the request it does `then`.
HttpsServer::Script after_request(HttpsServer::Script then) {
  return [then = std::move(then)](HttpsServer::Connection& connection) {
    if (!connection.handshake()) return;
    connection.request();
    then(connection);
  };
}

int open_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("a policy is fetched, and who served it is told") {
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)));
  World world(server);
  SUBCASE("briefly") {
    const auto reply = world.get();
    REQUIRE(reply.ok());
    CHECK(reply->status == 200);
    CHECK(reply->media_type == "text/plain");
    CHECK(reply->body == kPolicy);
    CHECK(reply->peer.address == "127.0.0.1:" + std::to_string(server.port()));
    CHECK(reply->peer.tls_version == "TLSv1.3");
    CHECK(reply->peer.subject.empty());
  }
  SUBCASE("in full") {
    world.options.collect_peer = true;
    const auto reply = world.get();
    REQUIRE(reply.ok());
    CHECK(reply->peer.subject == "CN=" + kHost);
    CHECK(reply->peer.issuer == "CN=Test Root");
    CHECK(reply->peer.not_after.ends_with(" GMT"));
  }
}

TEST_CASE("S11 S21, network D7: the request is a plain GET of the policy") {
  std::string request;
  std::uint16_t port = 0;
  {
    const HttpsServer server(good(), [&](HttpsServer::Connection& connection) {
      if (!connection.handshake()) return;
      request = connection.request();
      connection.write(ok(kPolicy));
      connection.close_notify();
    });
    port = server.port();
    REQUIRE(World(server).get().ok());
  }
  CHECK(request == "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: " + kHost + ":" +
                       std::to_string(port) +
                       "\r\nUser-Agent: tlspolicyd\r\nAccept: text/plain\r\n"
                       "Accept-Encoding: identity\r\nConnection: close\r\n\r\n");
}

TEST_CASE("S11 a proxy in the environment is not used") {
  const HttpsServer proxy(good(), HttpsServer::answering(ok("from the proxy")));
  const auto url = "http://127.0.0.1:" + std::to_string(proxy.port());
  const char* names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"};
  for (const auto* name : names) ::setenv(name, url.c_str(), 1);
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)));
  const auto reply = World(server).get();
  for (const auto* name : names) ::unsetenv(name);
  REQUIRE(reply.ok());
  CHECK(reply->body == kPolicy);
  CHECK(proxy.connections() == 0);
}

TEST_CASE("S17 S18 which certificates are taken") {
  struct Row {
    const char* name;
    Identity identity;
    const char* text;  // null: taken
    std::string host = kHost;
  };
  const auto with = [](CertificateRequest request, int intermediates = 0) {
    return authority().issue(request, intermediates);
  };
  Row rows[] = {
      {"good", with({.common_name = kHost, .dns_names = {kHost}}), nullptr},
      {"among others",
       with({.common_name = "x", .dns_names = {"a.example", "MTA-STS.Example.COM"}}), nullptr},
      {"below two intermediates", with({.common_name = "x", .dns_names = {kHost}}, 2), nullptr},
      {"wildcard", with({.common_name = "x", .dns_names = {"*.example.com"}}), nullptr},
      {"wildcard, two labels away", with({.common_name = "x", .dns_names = {"*.example.com"}}),
       "hostname mismatch", "mta-sts.sub.example.com"},
      {"wildcard of the top level", with({.common_name = "x", .dns_names = {"*.com"}}),
       "hostname mismatch"},
      {"partial wildcard", with({.common_name = "x", .dns_names = {"mta-*.example.com"}}),
       "hostname mismatch"},
      {"partial wildcard at the end", with({.common_name = "x", .dns_names = {"mta*.example.com"}}),
       "hostname mismatch"},
      {"partial wildcard at the start",
       with({.common_name = "x", .dns_names = {"*sts.example.com"}}), "hostname mismatch"},
      {"wildcard in the middle", with({.common_name = "x", .dns_names = {"mta-sts.*.com"}}),
       "hostname mismatch"},
      {"common name only", with({.common_name = kHost}), "hostname mismatch"},
      {"other name", with({.common_name = kHost, .dns_names = {"mta-sts.example.net"}}),
       "hostname mismatch"},
      {"the domain's name", with({.common_name = kHost, .dns_names = {"example.com"}}),
       "hostname mismatch"},
      {"expired", with({.common_name = "x", .dns_names = {kHost}, .begins = -7200, .ends = -3600}),
       "certificate has expired"},
      {"not yet valid", with({.common_name = "x", .dns_names = {kHost}, .begins = 3600}),
       "certificate is not yet valid"},
      {"self-signed", CertificateAuthority::self_signed({.common_name = "x", .dns_names = {kHost}}),
       "self-signed certificate"},
      {"other authority",
       CertificateAuthority("Other").issue({.common_name = "x", .dns_names = {kHost}}),
       "unable to get local issuer certificate"},
      {"A-20 chain of 100", with({.common_name = "x", .dns_names = {kHost}}, 100),
       "certificate chain too long"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    const HttpsServer server(row.identity, HttpsServer::answering(ok(kPolicy)));
    const auto reply = World(server).get(row.host);
    CHECK(reply.ok() == (row.text == nullptr));
    if (reply.ok() || row.text == nullptr) continue;
    CHECK(reply.error().fault == Fault::certificate);
    CHECK(reply.error().text == row.host + ": " + row.text);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("S17 behind a CNAME the certificate is still the customer's") {
  const std::string provider = "mta-sts.provider.example";
  const auto identity = authority().issue({.common_name = "x", .dns_names = {provider}});
  const HttpsServer server(identity, HttpsServer::answering(ok(kPolicy)));
  World world(server.port(), {});
  world.resolver.addresses({"127.0.0.1"}, provider);
  CHECK(world.refused().text == kHost + ": hostname mismatch");
  CHECK(server.server_names() == std::vector{kHost});
}

TEST_CASE("S29 the server name is sent") {
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)),
                           {.refuses_without_server_name = true});
  CHECK(World(server).get().ok());
  CHECK(server.server_names() == std::vector{kHost});
}

TEST_CASE("S31 a server of TLS 1.1 only is refused") {
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)),
                           {.max_version = TLS1_1_VERSION});
  CHECK(World(server).refused().fault == Fault::tls);
  // The same server serves a client that allows it: it is the version that fails.
  const std::unique_ptr<SSL_CTX, tlspolicyd::base::Deleter<SSL_CTX_free>> lax(
      SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(lax.get(), 0);
  SSL_CTX_set_min_proto_version(lax.get(), TLS1_VERSION);
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
  const tlspolicyd::base::SocketAddress address(
      {tlspolicyd::base::Address::parse("127.0.0.1").value(), server.port()});
  REQUIRE(::connect(fd.get(), address.get(), address.length) == 0);
  const SslPtr ssl(SSL_new(lax.get()));
  SSL_set_fd(ssl.get(), fd.get());
  CHECK(SSL_connect(ssl.get()) == 1);
}

TEST_CASE("a server that speaks no TLS is told as such") {
  const auto error = refusal(good(), [](HttpsServer::Connection& connection) {
    static_cast<void>(::send(connection.fd(), "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL));
    connection.wait();
  });
  CHECK(error.fault == Fault::tls);
  CHECK(error.text == kHost + ": wrong version number");
}

TEST_CASE("S20 A-6 any status is passed up without a body, redirects lead nowhere") {
  const HttpsServer target(good(), HttpsServer::answering(ok(kPolicy)));
  const auto location = "Location: https://127.0.0.1:" + std::to_string(target.port()) + "/\r\n";
  for (const int status : {204, 206, 301, 302, 304, 307, 308, 401, 404, 500, 503}) {
    CAPTURE(status);
    const auto line = "HTTP/1.1 " + std::to_string(status) + " x\r\n";
    const HttpsServer server(
        good(), HttpsServer::answering(line + location + "Content-Length: 5\r\n\r\nhello"));
    const auto reply = World(server).get();
    REQUIRE(reply.ok());
    CHECK(reply->status == status);
    CHECK(reply->body.empty());
    CHECK(server.connections() == 1);
  }
  CHECK(target.connections() == 0);
}

TEST_CASE("S24 A-1 64 KiB are taken, one byte more is not") {
  const std::string fits(65536, 'x');
  const HttpsServer server(good(), HttpsServer::answering(ok(fits)));
  const auto reply = World(server).get();
  REQUIRE(reply.ok());
  CHECK(reply->body == fits);
  CHECK(refusal(ok(fits + "x")).fault == Fault::too_large);
  CHECK(refusal("HTTP/1.1 200 OK\r\n\r\n" + fits + "x").fault == Fault::too_large);
}

TEST_CASE("A-1 A-3 what has no end is cut") {
  const std::string mebibyte(1024 * 1024, 'x');
  const auto endless = [](std::string start, std::string rest) {
    return refusal(good(), after_request([=](HttpsServer::Connection& connection) {
                     connection.write(start);
                     connection.write_for_ever(rest);
                   }));
  };
  const std::string ok_line = "HTTP/1.1 200 OK\r\n";
  const auto chunked = ok_line + "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(endless(ok_line + "\r\n", mebibyte).fault == Fault::too_large);
  CHECK(endless(ok_line + "Content-Length: 10000000000\r\n\r\n", mebibyte).fault ==
        Fault::too_large);
  CHECK(endless(chunked, std::string(1024 * 1024, '0')).fault == Fault::too_large);
  CHECK(endless(chunked + "1;", mebibyte).fault == Fault::too_large);
  CHECK(endless(chunked, "1000\r\n" + std::string(4096, 'x') + "\r\n").fault == Fault::too_large);
  CHECK(endless(ok_line, "X: " + std::string(1000, 'x') + "\r\n").fault == Fault::too_large);
  CHECK(endless(ok_line + "X: ", mebibyte).fault == Fault::too_large);
  CHECK(endless("", "HTTP/1.1 100 Continue\r\n\r\n").fault == Fault::http);
}

TEST_CASE("A-3 session tickets without end are cut") {
  const auto error =
      refusal(good(), after_request([](HttpsServer::Connection& connection) {
                // OpenSSL takes no notice of a closed connection here.
                while (!connection.has_input() && SSL_new_session_ticket(connection.ssl()) == 1 &&
                       SSL_do_handshake(connection.ssl()) == 1)
                  continue;
              }));
  CHECK(error.fault == Fault::too_large);
  CHECK(error.text == kHost + ": the server sends without end");
}

TEST_CASE("A-2 compressed bodies are refused") {
  CHECK(refusal(ok("\x1f\x8b", "Content-Encoding: gzip\r\n")).fault == Fault::http);
}

TEST_CASE("A-4 who is slow is cut at the deadline, which says where it was") {
  struct Row {
    const char* phase;
    HttpsServer::Script script;
  };
  const Row rows[] = {
      {"TLS handshake",
       [](HttpsServer::Connection& connection) {
         connection.wait();  // the ClientHello
         char hello[4096];
         while (::recv(connection.fd(), hello, sizeof hello, 0) > 0) continue;
       }},
      {"TLS handshake",
       [](HttpsServer::Connection& connection) {
         // A record of 16 KiB, a byte at a time.
         const std::string_view header("\x16\x03\x03\x40\x00", 5);
         for (std::size_t i = 0;; ++i) {
           const char byte = i < header.size() ? header[i] : '\0';
           if (::send(connection.fd(), &byte, 1, MSG_NOSIGNAL) != 1) return;
           connection.pause(20);
         }
       }},
      {"waiting for the response",
       after_request([](HttpsServer::Connection& connection) { connection.wait(); })},
      {"reading the response", after_request([](HttpsServer::Connection& connection) {
         for (const char c : ok(std::string(1000, 'x'))) {
           if (!connection.write({&c, 1})) return;
           connection.pause(20);
         }
       })},
  };
  for (const auto& row : rows) {
    INFO(row.phase);
    const HttpsServer server(good(), row.script);
    World world(server);
    world.options.timeout = 1s;
    const auto error = world.refused();
    CHECK(error.fault == Fault::deadline);
    CHECK(error.text == kHost + ": not done within 1 s: " + row.phase);
  }
}

TEST_CASE("A-4 a resolver that stays silent is cut at the deadline too") {
  World world(443, {});
  world.options.timeout = 50ms;
  CHECK(world.refused().text == kHost + ": not done within 0.05 s: resolving");
}

TEST_CASE("A-7 the host is resolved once, and only those addresses count") {
  // Whoever asked again would be sent elsewhere.
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)));
  World world(server.port(), {});
  world.resolver.addresses({"127.0.0.1"});
  world.resolver.addresses({"169.254.169.254"});
  const auto reply = world.get();
  REQUIRE(reply.ok());
  CHECK(reply->peer.address.starts_with("127.0.0.1:"));
  const auto host = DomainName::parse(kHost).value();
  CHECK(world.resolver.questions ==
        std::vector<DnsQuestion>{{host, RecordType::aaaa}, {host, RecordType::a}});
}

TEST_CASE("A-8 special-purpose addresses are refused") {
  for (const std::string_view address :
       {"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "::1", "fe80::1",
        "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"}) {
    CAPTURE(address);
    World world(443, {address});
    world.options.allow_addresses.clear();
    CHECK(world.refused().fault == Fault::address_refused);
  }
}

TEST_CASE("A-8 of mixed addresses only the permitted ones are tried") {
  // The permitted one fails, so that every other candidate would be tried.
  const HttpsServer permitted(good(),
                              [](HttpsServer::Connection& connection) { connection.reset(); });
  const HttpsServer internal(good(), HttpsServer::answering(ok(kPolicy)),
                             {.address = "127.0.0.2", .port = permitted.port()});
  World world(permitted.port(), {"127.0.0.2", "127.0.0.1"});
  world.options.allow_addresses = {Prefix::parse("127.0.0.1/32").value()};
  CHECK_FALSE(world.get().ok());
  CHECK(permitted.connections() == 2);
  CHECK(internal.connections() == 0);
}

TEST_CASE("A-9 the port is the configured one, whatever the host says") {
  const HttpsServer server(
      good(), HttpsServer::answering(ok(kPolicy, "Alt-Svc: h2=\":22\"\r\nRefresh: 0\r\n")));
  World world(server);
  CHECK(world.get().ok());
  CHECK(World(1).options.port == 1);
  // 443 is the default and then not part of Host.
  CHECK(SecureHttpsClient::Options().port == 443);
}

TEST_CASE("DNS: what two families' answers come to") {
  const Error servfail{Fault::dns_failed, "SERVFAIL"};
  const Error timeout{Fault::dns_timeout, "no answer"};
  const DnsAnswer none;
  SUBCASE("both fail") {
    World world(443, {});
    world.resolver.answer(RecordType::a, servfail);
    world.resolver.answer(RecordType::aaaa, timeout);
    CHECK(world.refused() == Error{Fault::dns_failed, kHost + ": SERVFAIL"});
  }
  SUBCASE("one fails, the other has none") {
    World world(443, {});
    world.resolver.answer(RecordType::a, none);
    world.resolver.answer(RecordType::aaaa, timeout);
    CHECK(world.refused().fault == Fault::dns_timeout);
  }
  SUBCASE("neither has any") {
    World world(443, {});
    world.resolver.answer(RecordType::a, none);
    world.resolver.answer(RecordType::aaaa, none);
    CHECK(world.refused() == Error{Fault::no_address, kHost + ": no A and no AAAA record"});
  }
  SUBCASE("one fails, the other has one") {
    const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)));
    World world(server.port(), {});
    DnsAnswer v4;
    v4.kind = DnsAnswer::Kind::records;
    v4.addresses = {tlspolicyd::base::Address::parse("127.0.0.1").value()};
    world.resolver.answer(RecordType::a, v4);
    world.resolver.answer(RecordType::aaaa, servfail);
    CHECK(world.get().ok());
  }
}

TEST_CASE("A-22 what is not HTTP/1.1 is refused") {
  CHECK(refusal(kPolicy).fault == Fault::http);
  CHECK(refusal(std::string("\0\0\x12\x04\0\0\0\0\0", 9)).fault == Fault::http);
  CHECK(refusal("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n").fault == Fault::http);
}

TEST_CASE("a truncated body is refused") {
  const auto cut = [](std::string response, bool reset) {
    return refusal(good(), after_request([=](HttpsServer::Connection& connection) {
                     connection.write(response);
                     if (reset) connection.reset();
                   }));
  };
  const std::string until_close = "HTTP/1.1 200 OK\r\n\r\n" + kPolicy;
  const std::string too_short = "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + kPolicy;
  CHECK(cut(until_close, false).fault == Fault::http);
  CHECK(cut(too_short, false).text == kHost + ": response ended early");
  // With close_notify the end is the server's word.
  const HttpsServer server(good(), HttpsServer::answering(until_close));
  const auto reply = World(server).get();
  REQUIRE(reply.ok());
  CHECK(reply->body == kPolicy);
}

TEST_CASE("a complete response needs no end of the connection, and is thanked for with one") {
  std::atomic<bool> was_closed_properly = false;
  {
    const HttpsServer server(good(), after_request([&](HttpsServer::Connection& connection) {
                               connection.write(ok(kPolicy));
                               char none;
                               SSL_read(connection.ssl(), &none, 1);
                               was_closed_properly =
                                   SSL_get_shutdown(connection.ssl()) == SSL_RECEIVED_SHUTDOWN;
                             }));
    CHECK(World(server).get().ok());
    while (!was_closed_properly && server.is_busy()) std::this_thread::yield();
  }
  CHECK(was_closed_properly);
}

TEST_CASE("a response that comes with the end of the handshake is seen") {
  const HttpsServer server(good(), [](HttpsServer::Connection& connection) {
    SSL* ssl = connection.ssl();
    SSL_set_num_tickets(ssl, 0);  // so that nothing comes afterwards
    std::size_t size = 0;
    SSL_read_early_data(ssl, nullptr, 0, &size);
    const auto response = ok(kPolicy);
    SSL_write_early_data(ssl, response.data(), response.size(), &size);
    connection.handshake();
    while (!connection.request().empty()) continue;
  });
  World world(server);
  world.options.timeout = 10s;
  CHECK(world.get().ok());
}

TEST_CASE("connect: a closed port is told with its cause") {
  std::uint16_t port = 0;
  { port = HttpsServer(good(), HttpsServer::answering("")).port(); }
  const auto error = World(port).refused();
  CHECK(error.fault == Fault::connect);
  CHECK(error.text == kHost + ": 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE("a connection that comes to nothing leads to the next address") {
  const HttpsServer::Script failures[] = {
      [](HttpsServer::Connection& connection) { connection.reset(); },
      [](HttpsServer::Connection&) {},
      [](HttpsServer::Connection& connection) {
        if (connection.handshake()) connection.reset();
      },
      after_request([](HttpsServer::Connection& connection) { connection.close_notify(); }),
  };
  for (const auto& failure : failures) {
    CAPTURE(&failure - failures);
    const HttpsServer bad(good(), failure);
    const HttpsServer fine(good(), HttpsServer::answering(ok(kPolicy)),
                           {.address = "127.0.0.2", .port = bad.port()});
    const auto reply = World(bad.port(), {"127.0.0.1", "127.0.0.2"}).get();
    REQUIRE(reply.ok());
    CHECK(reply->peer.address.starts_with("127.0.0.2:"));
    CHECK(bad.connections() == 1);
  }
}

TEST_CASE("a response that fails after its first byte is final") {
  const HttpsServer bad(good(), after_request([](HttpsServer::Connection& connection) {
                          connection.write("HTTP/1.1 200 OK\r\n");
                          connection.close_notify();
                        }));
  const HttpsServer fine(good(), HttpsServer::answering(ok(kPolicy)),
                         {.address = "127.0.0.2", .port = bad.port()});
  World world(bad.port(), {"127.0.0.1", "127.0.0.2"});
  CHECK(world.refused().text == kHost + ": response ended early");
  CHECK(fine.connections() == 0);
}

TEST_CASE("the last address gets one second chance when it drops the handshake") {
  SUBCASE("and uses it") {
    std::atomic<int> count = 0;
    const HttpsServer server(good(), [&](HttpsServer::Connection& connection) {
      if (++count == 1) return connection.reset();
      HttpsServer::answering(ok(kPolicy))(connection);
    });
    CHECK(World(server).get().ok());
    CHECK(server.connections() == 2);
  }
  SUBCASE("and no third") {
    const HttpsServer server(good(),
                             [](HttpsServer::Connection& connection) { connection.reset(); });
    CHECK(World(server).refused().fault == Fault::tls);
    CHECK(server.connections() == 2);
  }
  SUBCASE("but not after the handshake") {
    const HttpsServer server(good(), after_request([](HttpsServer::Connection& connection) {
                               connection.close_notify();
                             }));
    CHECK(World(server).refused().text == kHost + ": connection closed without a response");
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("many at once") {
  const HttpsServer server(good(), HttpsServer::answering(ok(kPolicy)));
  World world(server);
  SecureHttpsClient client(world.loop, world.resolver, world.options);
  std::vector<OperationPtr> operations;
  int good_replies = 0;
  int replies = 0;
  for (int i = 0; i < 40; ++i) {
    operations.push_back(
        client.get({DomainName::parse(kHost).value(), kPath}, [&](Result<HttpsReply> reply) {
          good_replies += reply.ok() ? 1 : 0;
          if (++replies == 40) world.loop.stop();
        }));
  }
  const auto guard = world.loop.after(60s, [&] { world.loop.stop(); });
  world.loop.run();
  CHECK(good_replies == 40);
}

TEST_CASE("destroying the operation cancels it in every phase, and nothing is left open") {
  const HttpsServer::Script scripts[] = {
      [](HttpsServer::Connection& connection) { connection.wait(), connection.pause(100); },
      after_request([](HttpsServer::Connection& connection) { connection.wait(); }),
      after_request([](HttpsServer::Connection& connection) {
        connection.write("HTTP/1.1 200 OK\r\n");
        connection.wait();
      }),
  };
  for (const auto& script : scripts) {
    const HttpsServer server(good(), script);
    World world(server);
    SecureHttpsClient client(world.loop, world.resolver, world.options);
    const int before = open_descriptors();
    int calls = 0;
    for (int ms : {0, 1, 2, 5, 20, 50}) {
      const auto operation = client.get({DomainName::parse(kHost).value(), kPath},
                                        [&](Result<HttpsReply>) { ++calls; });
      const auto timer =
          world.loop.after(std::chrono::milliseconds(ms), [&] { world.loop.stop(); });
      world.loop.run();
    }
    const auto timer = world.loop.after(20ms, [&] { world.loop.stop(); });
    world.loop.run();
    CHECK(calls == 0);
    // The server's side of a connection may still be open: one descriptor at most.
    CHECK(open_descriptors() <= before + 1);
  }
}
