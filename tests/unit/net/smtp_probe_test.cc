#include "net/smtp_probe.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <csignal>

#include "fakes/certificates.h"
#include "fakes/https_server.h"
#include "fakes/scripted_resolver.h"

using namespace std::chrono_literals;
using namespace tlspolicyd::fakes;
using namespace tlspolicyd::net;
using tlspolicyd::base::DomainName;
using tlspolicyd::base::Fault;
using tlspolicyd::base::OperationPtr;
using Stage = SmtpProbeReport::Stage;
// What it does before the handshake is a script's, so it serves SMTP as well.
using Server = HttpsServer;

namespace {

const std::string kHost = "mx.example.org";
const std::string kGreeting = "220 mx.example.org ESMTP\r\n";
const std::string kEhlo = "250-mx.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n";
const std::string kGo = "220 2.0.0 Ready to start TLS\r\n";

const CertificateAuthority& authority() {
  static const CertificateAuthority ca;
  return ca;
}

const SmtpTls& tls() {
  static const TemporaryFile file(authority().pem());
  static const SmtpTls context(file.path());
  return context;
}

const Identity& good() {
  static const auto identity =
      authority().issue({.common_name = kHost, .dns_names = {kHost, "mx2.example.org"}});
  return identity;
}

/// What the client sends next, one line.
std::string line_of(Server::Connection& connection) {
  std::string line;
  char c = 0;
  while (::recv(connection.fd(), &c, 1, 0) == 1 && c != '\n') line += c;
  return line;
}

void say(Server::Connection& connection, std::string_view text) {
  ::send(connection.fd(), text.data(), text.size(), MSG_NOSIGNAL);
}

/// Says these replies: the first at once, each next one after a line of the client.
Server::Script saying(std::vector<std::string> replies, std::vector<std::string>* heard = nullptr) {
  return [replies = std::move(replies), heard](Server::Connection& connection) {
    for (const auto& reply : replies) {
      if (&reply != &replies.front()) {
        const auto line = line_of(connection);
        if (heard) heard->push_back(line);
      }
      say(connection, reply);
    }
    if (replies.back() == kGo && connection.handshake()) {
      char buffer[64];
      const int count = SSL_read(connection.ssl(), buffer, sizeof buffer);
      if (heard && count > 0) heard->emplace_back(buffer, static_cast<std::size_t>(count));
    } else {
      connection.wait();
    }
  };
}

struct World {
  Loop loop;
  ScriptedResolver resolver{loop};
  SmtpProbeRequest request{
      .host = DomainName::parse(kHost).value(), .names = {kHost}, .tlsa = {}, .our_name = "here"};
  tlspolicyd::base::milliseconds patience{5s};

  explicit World(std::uint16_t port,
                 const std::vector<std::string_view>& addresses = {"127.0.0.1"}) {
    std::signal(SIGPIPE, SIG_IGN);
    request.port = port;
    resolver.addresses(addresses);
  }

  SmtpProbeReport probe() {
    std::optional<SmtpProbeReport> report;
    OperationPtr operation = std::make_unique<SmtpProbe>(
        loop, resolver, tls(), request,
        [&](SmtpProbeReport told) {
          CHECK_FALSE(report.has_value());
          report = std::move(told);
          operation.reset();
          loop.stop();
        },
        patience);
    CHECK_FALSE(report.has_value());
    const auto guard = loop.after(20s, [&] { loop.stop(); });
    loop.run();
    REQUIRE(report.has_value());
    return std::move(*report);
  }
};

SmtpProbeReport probed(const Identity& identity, std::vector<std::string> replies) {
  const Server server(identity, saying(std::move(replies)));
  return World(server.port()).probe();
}

TlsaRecord tlsa_of(const Identity& identity) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(identity.certificate.get(), EVP_sha256(), digest.data(), &size);
  return {3, 0, 1, {digest.begin(), digest.begin() + size}};
}

}  // namespace

TEST_CASE("a good host: what it shows, and what was said to it") {
  std::vector<std::string> heard;
  SmtpProbeReport report;
  {
    const Server server(good(), saying({kGreeting, kEhlo, kGo}, &heard));
    report = World(server.port()).probe();
    CHECK(report.address == "127.0.0.1:" + std::to_string(server.port()));
    // servername=hostname
    CHECK(server.server_names() == std::vector<std::string>{kHost});
  }
  CHECK(report.reached == Stage::done);
  CHECK_FALSE(report.trouble.has_value());
  CHECK(report.offers_starttls);
  CHECK(report.tls_version == "TLSv1.3");
  REQUIRE(report.certificate.has_value());
  CHECK(report.certificate->subject == "CN=" + kHost);
  CHECK(report.certificate->issuer == "CN=Test Root");
  CHECK(report.certificate->names == std::vector<std::string>{kHost, "mx2.example.org"});
  CHECK(report.certificate->not_after.ends_with(" GMT"));
  CHECK(report.certificate->distrust.empty());
  CHECK(report.certificate->matched == kHost);
  CHECK(heard == std::vector<std::string>{"EHLO here\r", "STARTTLS\r", "QUIT\r\n"});
}

TEST_CASE("S17 S37 certificates: trust and names are told apart") {
  struct Row {
    const char* what;
    Identity identity;
    std::vector<std::string> wanted;
    const char* distrust;
    const char* matched;
  };
  const auto with = [](CertificateRequest request) { return authority().issue(request); };
  Row rows[] = {
      {"the second of the wanted names",
       with({.common_name = "x", .dns_names = {kHost}}),
       {"mx1.example.org", kHost},
       "",
       "mx.example.org"},
      {"another name",
       with({.common_name = "x", .dns_names = {"other.example.org"}}),
       {kHost},
       "",
       ""},
      {"no wanted names", with({.common_name = "x", .dns_names = {kHost}}), {}, "", ""},
      {"everything below",
       with({.common_name = "x", .dns_names = {"a.b.example.org"}}),
       {".example.org"},
       "",
       ".example.org"},
      {"wildcard",
       with({.common_name = "x", .dns_names = {"*.example.org"}}),
       {kHost},
       "",
       "mx.example.org"},
      {"name in the subject only", with({.common_name = kHost}), {kHost}, "", "mx.example.org"},
      {"expired",
       with({.common_name = "x", .dns_names = {kHost}, .begins = -7200, .ends = -3600}),
       {kHost},
       "certificate has expired",
       "mx.example.org"},
      {"signed by itself",
       CertificateAuthority::self_signed({.common_name = kHost, .dns_names = {kHost}}),
       {kHost},
       "self-signed certificate",
       "mx.example.org"},
      {"of an unknown authority",
       CertificateAuthority("Other").issue({.common_name = "x", .dns_names = {kHost}}),
       {kHost},
       "unable to get local issuer certificate",
       "mx.example.org"},
      {"for clients",
       with({.common_name = "x", .dns_names = {kHost}, .extended_key_usage = "clientAuth"}),
       {kHost},
       "unsuitable certificate purpose",
       "mx.example.org"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const Server server(row.identity, saying({kGreeting, kEhlo, kGo}));
    World world(server.port());
    world.request.names = row.wanted;
    const auto report = world.probe();
    REQUIRE(report.certificate.has_value());
    CHECK(report.certificate->distrust == row.distrust);
    CHECK(report.certificate->matched == row.matched);
  }
}

TEST_CASE("D9 RFC 7672 3.1: a host that its TLSA records authenticate") {
  const auto homemade =
      CertificateAuthority::self_signed({.common_name = "x", .dns_names = {"other.example"}});
  const Server server(homemade, saying({kGreeting, kEhlo, kGo}));
  World world(server.port());
  SUBCASE("by the right record: the chain and the names do not matter") {
    world.request.tlsa = {tlsa_of(homemade)};
    CHECK(world.probe().certificate->distrust == "");
  }
  SUBCASE("by the record of another certificate") {
    world.request.tlsa = {tlsa_of(good())};
    CHECK(world.probe().certificate->distrust != "");
  }
  SUBCASE("by one of several") {
    world.request.tlsa = {tlsa_of(good()), tlsa_of(homemade)};
    CHECK(world.probe().certificate->distrust == "");
  }
  SUBCASE("a good certificate of the wrong host is no help") {
    const Server trusted(good(), saying({kGreeting, kEhlo, kGo}));
    world.request.port = trusted.port();
    world.request.tlsa = {tlsa_of(homemade)};
    CHECK(world.probe().certificate->distrust != "");
  }
}

TEST_CASE("B-9 a host without STARTTLS is no trouble, and no handshake") {
  for (const char* reply : {"250 mx.example.org\r\n", "250-STARTTLS\r\n250 SIZE\r\n"}) {
    const auto report = probed(good(), {kGreeting, reply});
    CHECK_FALSE(report.trouble.has_value());
    CHECK(report.reached == Stage::ehlo);
    CHECK_FALSE(report.offers_starttls);
    CHECK_FALSE(report.certificate.has_value());
  }
}

TEST_CASE("hosts that say something else") {
  struct Row {
    std::vector<std::string> replies;
    Stage stage;
    Fault fault;
    const char* text;
  };
  const Row rows[] = {
      {{"554 5.7.1 go away\r\n"}, Stage::greeting, Fault::invalid, "554 5.7.1 go away"},
      {{"SSH-2.0-OpenSSH_9.2\r\n"}, Stage::greeting, Fault::invalid, "not a reply of SMTP"},
      {{kGreeting, "502 what?\r\n"}, Stage::ehlo, Fault::invalid, "502 what?"},
      {{kGreeting, kEhlo, "454 4.7.0 no\x01 key\r\n"},
       Stage::starttls,
       Fault::invalid,
       "454 4.7.0 no\\x01 key"},
      {{kGreeting + "250 early\r\n"}, Stage::greeting, Fault::invalid, "more than it was asked"},
      {{kGreeting, kEhlo, kGo + "250 injected\r\n"},
       Stage::starttls,
       Fault::invalid,
       "more than it was asked"},
      {{kGreeting, std::string(3000, '2')}, Stage::ehlo, Fault::too_large, "2048"},
  };
  for (const auto& row : rows) {
    const auto report = probed(good(), row.replies);
    CAPTURE(row.text);
    REQUIRE(report.trouble.has_value());
    CAPTURE(report.trouble->text);
    CHECK(report.reached == row.stage);
    CHECK(report.trouble->fault == row.fault);
    CHECK(report.trouble->text.find(row.text) != std::string::npos);
  }
}

TEST_CASE("hosts that stop") {
  SUBCASE("nothing listens") {
    std::uint16_t port = 0;
    {
      port = Server(good(), [](auto&) {}).port();
    }
    const auto report = World(port).probe();
    CHECK(report.reached == Stage::connecting);
    CHECK(report.trouble->fault == Fault::connect);
    CHECK(report.address.empty());
  }
  SUBCASE("silence after the connection, for as long as anybody waits") {
    const Server server(good(), [](Server::Connection& connection) { connection.wait(); });
    World world(server.port());
    world.patience = 300ms;
    const auto report = world.probe();
    CHECK(report.reached == Stage::greeting);
    CHECK(report.trouble->fault == Fault::deadline);
    CHECK(report.took >= 290ms);  // libevent's clock has ticks of 4 ms
  }
  SUBCASE("silence instead of a handshake") {
    const Server server(good(), [](Server::Connection& connection) {
      say(connection, kGreeting);
      line_of(connection);
      say(connection, kEhlo);
      line_of(connection);
      say(connection, kGo);
      connection.pause(1000);
    });
    World world(server.port());
    world.patience = 300ms;
    const auto report = world.probe();
    CHECK(report.reached == Stage::handshake);
    CHECK(report.trouble->fault == Fault::deadline);
  }
  SUBCASE("closed after the greeting") {
    const Server server(good(), [](Server::Connection& connection) {
      say(connection, kGreeting);
      line_of(connection);
    });
    const auto report = World(server.port()).probe();
    CHECK(report.reached == Stage::ehlo);
    CHECK(report.trouble->fault == Fault::connect);
  }
  SUBCASE("no TLS 1.2") {
    const Server server(good(), saying({kGreeting, kEhlo, kGo}), {.max_version = TLS1_1_VERSION});
    const auto report = World(server.port()).probe();
    CHECK(report.reached == Stage::handshake);
    CHECK(report.trouble->fault == Fault::tls);
  }
  SUBCASE("no address") {
    const auto report = World(25, {}).probe();
    CHECK(report.reached == Stage::looking_up);
    CHECK(report.trouble->fault == Fault::no_address);
  }
}

TEST_CASE("what fails at one address is tried at the next, as smtp(8) does") {
  const auto other = authority().issue({.common_name = "x", .dns_names = {"other.example.org"}});
  struct Row {
    const char* what;
    const Identity& identity;
    Server::Script script;
    const char* told;
  };
  const Row rows[] = {
      {"greeting", good(), saying({"554 5.7.1 go away\r\n"}), ": greeting: the host says 554"},
      {"no STARTTLS", good(), saying({kGreeting, "250 mx.example.org\r\n"}),
       ": it does not offer STARTTLS"},
      {"handshake", good(), saying({kGreeting, kEhlo, "454 4.7.0 no key\r\n"}),
       ": STARTTLS: the host says 454"},
      {"certificate", other, saying({kGreeting, kEhlo, kGo}),
       ": the certificate is valid for none"},
      {"silence", good(), [](Server::Connection& connection) { connection.wait(); },
       ": greeting: not done within 1 s"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const Server bad(row.identity, row.script);
    const Server fine(good(), saying({kGreeting, kEhlo, kGo}),
                      {.address = "127.0.0.2", .port = bad.port()});
    World world(bad.port(), {"127.0.0.1", "127.0.0.2"});
    world.patience = 1s;
    const auto report = world.probe();
    CHECK_FALSE(report.trouble.has_value());
    CHECK(report.reached == Stage::done);
    CHECK(report.address.starts_with("127.0.0.2:"));
    REQUIRE(report.certificate.has_value());
    CHECK(report.certificate->matched == kHost);
    REQUIRE(report.others.size() == 1);
    CAPTURE(report.others.front());
    CHECK(report.others.front().starts_with("127.0.0.1:" + std::to_string(bad.port()) + row.told));
  }
}

TEST_CASE("where every address fails, the one that came furthest is shown, within a bound") {
  SUBCASE("no further address than the first is reached") {
    const Server bad(good(), saying({kGreeting, "502 what?\r\n"}));
    const auto report = World(bad.port(), {"127.0.0.1", "127.0.0.2"}).probe();
    CHECK(report.reached == Stage::ehlo);
    CHECK(report.address.starts_with("127.0.0.1:"));
    REQUIRE(report.others.size() == 1);
    CHECK(report.others.front() ==
          "connection: 127.0.0.2:" + std::to_string(bad.port()) + ": Connection refused");
  }
  SUBCASE("all are silent") {
    const auto silence = [](Server::Connection& connection) { connection.wait(); };
    const Server first(good(), silence);
    std::vector<std::unique_ptr<Server>> more;
    for (const char* address : {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"})
      more.push_back(std::make_unique<Server>(
          good(), silence, Server::Options{.address = address, .port = first.port()}));
    World world(first.port(), {"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"});
    world.patience = 200ms;
    const auto report = world.probe();
    CHECK(report.trouble->fault == Fault::deadline);
    CHECK(report.took >= (SmtpProbe::kMaxStalls - 1) * world.patience);
    // Three had their time.
    CHECK(more[1]->connections() == 1);
    CHECK(more[2]->connections() == 0);
    CHECK(more[3]->connections() == 0);
  }
}

TEST_CASE("a host of which nothing is demanded is judged by its first address") {
  const Server plain(good(), saying({kGreeting, "250 mx.example.org\r\n"}));
  const Server other(good(), saying({kGreeting, kEhlo, kGo}),
                     {.address = "127.0.0.2", .port = plain.port()});
  World world(plain.port(), {"127.0.0.1", "127.0.0.2"});
  world.request.names.clear();
  const auto report = world.probe();
  CHECK_FALSE(report.trouble.has_value());
  CHECK(report.reached == Stage::ehlo);
  CHECK(other.connections() == 0);
}

TEST_CASE("a probe that is given up says nothing") {
  const Server server(good(), saying({kGreeting, kEhlo, kGo}));
  World world(server.port());
  for (const auto after : {0ms, 1ms, 3ms, 10ms}) {
    const auto end = world.loop.after(after, [&] { world.loop.stop(); });
    const SmtpProbe probe(world.loop, world.resolver, tls(), world.request, [](auto) {});
    world.loop.run();
  }
}
