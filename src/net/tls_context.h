#pragma once

#include <memory>
#include <string>

#include "base/deleter.h"

struct ssl_st;
struct ssl_ctx_st;
extern "C" void SSL_free(ssl_st*);
extern "C" void SSL_CTX_free(ssl_ctx_st*);

namespace tlspolicyd::net {

using SslPtr = std::unique_ptr<ssl_st, base::Deleter<SSL_free>>;

/// Gives `context` the certificates to trust, as TlsContext has them. Throws std::runtime_error.
void load_trust(ssl_ctx_st* context, const std::string& ca_file);

/// Where they are by default: a file and a directory, either of which may be missing.
std::string default_trust_file();
std::string default_trust_directory();

/// What all TLS client connections share: the trust store and what is allowed (RFC 8461 3.3, 7.2;
/// RFC 9325).
///
/// TLS 1.2 or later; the peer's chain of at most kMaxDepth intermediates must lead to a trusted
/// root and be meant for servers; no sessions, tickets, renegotiation; no finite-field
/// Diffie-Hellman, whose cost the server would choose.
class TlsContext {
 public:
  static constexpr int kMaxDepth = 10;
  /// Bytes of the certificate chain; more ends the handshake.
  static constexpr long kMaxChain = 64 * 1024;

  /// Trusts the certificates of `ca_file` (PEM), or those of OpenSSL's built-in locations if it is
  /// empty. Neither SSL_CERT_FILE and SSL_CERT_DIR nor, if it is the first in the process to use
  /// OpenSSL, OPENSSL_CONF is heeded (threat C-6). Throws std::runtime_error if `ca_file` cannot be
  /// read or OpenSSL refuses.
  explicit TlsContext(const std::string& ca_file = {});

  /// A client connection over the connected socket `fd` (not owned) that sends `host` as server
  /// name (RFC 8461 7.1) and accepts only certificates with a matching DNS-ID; wildcards only as
  /// whole left-most label. Empty if there is no memory.
  SslPtr connection(int fd, const std::string& host) const;

 private:
  std::unique_ptr<ssl_ctx_st, base::Deleter<SSL_CTX_free>> context_;
};

}  // namespace tlspolicyd::net
