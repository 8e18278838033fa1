#include "net/tls_context.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace tlspolicyd::net {
namespace {

using InitSettingsPtr = std::unique_ptr<OPENSSL_INIT_SETTINGS, base::Deleter<OPENSSL_INIT_free>>;

// ALPN, RFC 7301: a server that speaks only HTTP/2 says so in the handshake.
constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

void require(bool ok, const std::string& what) {
  if (ok) return;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  throw std::runtime_error(what + (reason != nullptr ? std::string(": ") + reason : ""));
}

// OpenSSL's own initialisation would take the configuration file's name from the environment.
void initialise_library() {
  const InitSettingsPtr settings(OPENSSL_INIT_new());
  const auto file = std::string(X509_get_default_cert_area()) + "/openssl.cnf";
  require(settings && OPENSSL_INIT_set_config_filename(settings.get(), file.c_str()) == 1 &&
              OPENSSL_init_ssl(0, settings.get()) == 1,
          "OpenSSL cannot be initialised");
}

void set_protocol(SSL_CTX* context) {
  require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "TLS 1.2 is not available");
  require(SSL_CTX_set_cipher_list(context, "DEFAULT:!kDHE") == 1, "TLS ciphers are not available");
  require(SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384:P-521") == 1,
          "TLS groups are not available");
  require(SSL_CTX_set_alpn_protos(context, kProtocols, sizeof kProtocols) == 0,
          "ALPN is not available");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  // 112 bits, RFC 9325 4.5; a stricter system policy stays.
  SSL_CTX_set_security_level(context, std::max(SSL_CTX_get_security_level(context), 2));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// That the certificate must be meant for servers is OpenSSL's default for clients.
void set_verification(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context, TlsContext::kMaxDepth);
  SSL_CTX_set_max_cert_list(context, TlsContext::kMaxChain);
  X509_VERIFY_PARAM_set_hostflags(
      SSL_CTX_get0_param(context),
      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
}

}  // namespace

void load_trust(ssl_ctx_st* context, const std::string& ca_file) {
  if (!ca_file.empty()) {
    require(SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1,
            "CA file " + ca_file + " cannot be read");
    return;
  }
  // Either may be missing on a given system. The directory's files are read when they are needed.
  const bool has_file = SSL_CTX_load_verify_file(context, X509_get_default_cert_file()) == 1;
  SSL_CTX_load_verify_dir(context, X509_get_default_cert_dir());
  ERR_clear_error();
  // Without any, every policy host would look like a fraud, and every domain unprotected.
  std::error_code ignored;
  const std::filesystem::directory_iterator entries(X509_get_default_cert_dir(), ignored);
  if (!has_file && entries == std::filesystem::directory_iterator())
    throw std::runtime_error(
        "no trusted certificates are installed (Debian: ca-certificates); or name a file in "
        "https.ca_file");
}

std::string default_trust_file() { return X509_get_default_cert_file(); }

std::string default_trust_directory() { return X509_get_default_cert_dir(); }

TlsContext::TlsContext(const std::string& ca_file) {
  initialise_library();
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  require(context_ != nullptr, "OpenSSL gives no TLS context");
  set_protocol(context_.get());
  set_verification(context_.get());
  // Without AUTO_RETRY one read takes one record, so that a peer cannot keep us in it.
  SSL_CTX_clear_mode(context_.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(context_.get(), 1);
  load_trust(context_.get(), ca_file);
}

SslPtr TlsContext::connection(int fd, const std::string& host) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1 || SSL_set1_host(ssl.get(), host.c_str()) != 1)
    return nullptr;
  // The macro SSL_set_tlsext_host_name casts in the old style.
  if (SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(host.c_str())) != 1)
    return nullptr;
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace tlspolicyd::net
