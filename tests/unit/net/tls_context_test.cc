#include "net/tls_context.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "fakes/certificates.h"
#include "net/file_descriptor.h"

using namespace tlspolicyd::net;
using namespace tlspolicyd::fakes;

namespace {

struct Outcome {
  bool ok;
  long verdict;
};

/// One blocking handshake over a socket pair.
Outcome handshake(const TlsContext& client, const Identity& server, const std::string& host,
                  void (*adjust)(SSL_CTX*) = nullptr) {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  const FileDescriptor ours(fds[0]);
  std::thread peer([&server, adjust, fd = FileDescriptor(fds[1])] {
    const std::unique_ptr<SSL_CTX, tlspolicyd::base::Deleter<SSL_CTX_free>> context(
        SSL_CTX_new(TLS_server_method()));
    server.install(context.get());
    if (adjust != nullptr) adjust(context.get());
    const SslPtr ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), fd.get());
    SSL_accept(ssl.get());
  });
  const auto ssl = client.connection(ours.get(), host);
  REQUIRE(ssl != nullptr);
  const bool ok = SSL_do_handshake(ssl.get()) == 1;
  ::shutdown(ours.get(), SHUT_RDWR);
  peer.join();
  return {ok, SSL_get_verify_result(ssl.get())};
}

const CertificateAuthority& authority() {
  static const CertificateAuthority ca;
  return ca;
}

const std::string kHost = "mta-sts.example.com";

}  // namespace

TEST_CASE("trusts what the given CA file holds, and nothing else") {
  const TemporaryFile ca_file(authority().pem());
  const auto server = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  CHECK(handshake(TlsContext(ca_file.path()), server, kHost).ok);

  const CertificateAuthority other;
  const auto stranger = other.issue({.common_name = kHost, .dns_names = {kHost}});
  CHECK_FALSE(handshake(TlsContext(ca_file.path()), stranger, kHost).ok);
}

TEST_CASE("C-6 SSL_CERT_FILE and SSL_CERT_DIR are not heeded") {
  const TemporaryFile ca_file(authority().pem());
  const auto server = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  ::setenv("SSL_CERT_FILE", ca_file.path().c_str(), 1);
  const TlsContext context;
  ::unsetenv("SSL_CERT_FILE");
  const auto outcome = handshake(context, server, kHost);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.verdict == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST_CASE("a CA file that cannot be read is told by name") {
  const auto refusal = [](const std::string& path) -> std::string {
    try {
      TlsContext context(path);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  };
  const std::string missing = "/nonexistent/ca.pem";
  CHECK(refusal(missing).find("CA file " + missing + " cannot be read") != std::string::npos);
  const TemporaryFile nonsense("this is not PEM\n");
  CHECK(refusal(nonsense.path()).find(nonsense.path()) != std::string::npos);
  const TemporaryFile empty("");
  CHECK(refusal(empty.path()).find(empty.path()) != std::string::npos);
}

TEST_CASE("a certificate for clients only is refused") {
  const TemporaryFile ca_file(authority().pem());
  const auto server = authority().issue(
      {.common_name = kHost, .dns_names = {kHost}, .extended_key_usage = "clientAuth"});
  const auto outcome = handshake(TlsContext(ca_file.path()), server, kHost);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.verdict == X509_V_ERR_INVALID_PURPOSE);
}

TEST_CASE("A-20 chains are bounded") {
  const TemporaryFile ca_file(authority().pem());
  const TlsContext context(ca_file.path());
  const auto with = [&](int intermediates) {
    const auto server =
        authority().issue({.common_name = kHost, .dns_names = {kHost}}, intermediates);
    return handshake(context, server, kHost);
  };
  CHECK(with(0).ok);
  CHECK(with(TlsContext::kMaxDepth).ok);
  CHECK_FALSE(with(TlsContext::kMaxDepth + 1).ok);
  const auto hundred = with(100);
  CHECK_FALSE(hundred.ok);
  CHECK(hundred.verdict == X509_V_ERR_CERT_CHAIN_TOO_LONG);
}

TEST_CASE("A-20 more than 64 KiB of certificates are not even verified") {
  const TemporaryFile ca_file(authority().pem());
  auto server = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  for (int i = 0; i < 200; ++i)
    server.intermediates.push_back(X509Ptr(X509_dup(server.certificate.get())));
  const auto outcome = handshake(TlsContext(ca_file.path()), server, kHost);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.verdict == X509_V_OK);
}

TEST_CASE("S31 TLS 1.2 is taken, TLS 1.1 is not") {
  const TemporaryFile ca_file(authority().pem());
  const TlsContext context(ca_file.path());
  const auto server = authority().issue({.common_name = kHost, .dns_names = {kHost}});
  CHECK(handshake(context, server, kHost, [](SSL_CTX* peer) {
          SSL_CTX_set_max_proto_version(peer, TLS1_2_VERSION);
        }).ok);
  CHECK_FALSE(handshake(context, server, kHost, [](SSL_CTX* peer) {
                SSL_CTX_set_security_level(peer, 0);
                SSL_CTX_set_min_proto_version(peer, TLS1_VERSION);
                SSL_CTX_set_max_proto_version(peer, TLS1_1_VERSION);
              }).ok);
}

TEST_CASE("S31 neither the version nor the security level alone keeps TLS 1.1 out") {
  const auto ssl = TlsContext().connection(-1, kHost);
  REQUIRE(ssl != nullptr);
  CHECK(SSL_ctrl(ssl.get(), SSL_CTRL_GET_MIN_PROTO_VERSION, 0, nullptr) == TLS1_2_VERSION);
  CHECK(SSL_get_security_level(ssl.get()) >= 2);
}

TEST_CASE("finite-field Diffie-Hellman, whose cost is the server's choice, is not offered") {
  const auto ssl = TlsContext().connection(-1, kHost);
  REQUIRE(ssl != nullptr);
  const auto* ciphers = SSL_get_ciphers(ssl.get());
  REQUIRE(sk_SSL_CIPHER_num(ciphers) > 0);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const auto* cipher = sk_SSL_CIPHER_value(ciphers, i);
    CAPTURE(SSL_CIPHER_get_name(cipher));
    CHECK(SSL_CIPHER_get_kx_nid(cipher) != NID_kx_dhe);
  }
}
