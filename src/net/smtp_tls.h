#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/domain_name.h"
#include "net/dns.h"
#include "net/tls_context.h"

namespace tlspolicyd::net {

/// What the certificate of an MX host says, and what speaks against it. Texts are as they came: not
/// printable by themselves.
struct SmtpCertificate {
  std::string subject;  ///< one line
  std::string issuer;
  std::string not_after;           ///< expiry, as OpenSSL prints it
  std::vector<std::string> names;  ///< the DNS names of the subjectAltName, at most kMaxNames

  /// Why it is not trusted, as X509_verify_cert_error_string(3) says it; "" if it is: by its chain,
  /// or by the TLSA records where there are some.
  std::string distrust;
  std::string matched;  ///< the first of the wanted names that it is valid for, "" for none
};

/// What probes of MX hosts share: the trust store, and TLS as Postfix has it by default, so that a
/// host is judged as smtp(8) judges it. TLS 1.2 or later (RFC 8461 4.1); a certificate that does
/// not verify ends no handshake: it is to be shown.
class SmtpTls {
 public:
  /// Of one certificate more names are not told; all are compared.
  static constexpr std::size_t kMaxNames = 100;

  /// `ca_file` as for TlsContext. Throws std::runtime_error.
  explicit SmtpTls(const std::string& ca_file = {});

  /// A client connection over the connected socket `fd` (not owned) that sends `host` as server
  /// name (servername=hostname). With `tlsa`, all usable for mail (dane::is_usable), the peer is
  /// authenticated by them, and by the host's name where they name an authority (RFC 7672 3.1).
  /// Empty if there is no memory, or OpenSSL can use none of `tlsa`.
  SslPtr connection(int fd, const std::string& host, const std::vector<TlsaRecord>& tlsa) const;

 private:
  std::unique_ptr<ssl_ctx_st, base::Deleter<SSL_CTX_free>> context_;
};

/// Judges the peer of a connection whose handshake is done. `wanted` are elements of match= as
/// Postfix takes them: "mx.example.org", or ".example.org" for everything below.
SmtpCertificate judge_peer(ssl_st* connection, const std::vector<std::string>& wanted);

}  // namespace tlspolicyd::net
