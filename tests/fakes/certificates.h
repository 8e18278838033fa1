#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "base/deleter.h"

namespace tlspolicyd::fakes {

using X509Ptr = std::unique_ptr<X509, base::Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, base::Deleter<EVP_PKEY_free>>;

/// A key with its certificate and those between it and the root.
struct Identity {
  KeyPtr key;
  X509Ptr certificate;
  std::vector<X509Ptr> intermediates;  ///< from the leaf's issuer upwards

  /// Makes a server's context show this identity.
  void install(SSL_CTX* context) const;
};

/// What a certificate is to say.
struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> dns_names = {};  ///< subjectAltName; none leaves the extension out
  long begins = -3600;                      ///< seconds from now
  long ends = 24 * 3600;
  bool is_ca = false;
  std::string extended_key_usage = {};  ///< e.g. "clientAuth"
};

/// A certificate authority of the tests' own, with P-256 keys.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name = "Test Root");

  /// A certificate below the root, or below a chain of that many intermediates.
  Identity issue(const CertificateRequest& request, int intermediates = 0) const;
  static Identity self_signed(const CertificateRequest& request);

  /// The root certificate.
  std::string pem() const;

 private:
  Identity root_;
};

/// A file with the given content, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tlspolicyd::fakes
