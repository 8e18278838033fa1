// Makes a certification authority and one certificate per host name read from standard input:
// DIR/ca.crt, DIR/host.key (one P-256 key for all hosts) and DIR/HOST.crt.

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/deleter.h"

namespace {

using tlspolicyd::base::Deleter;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using FilePtr = std::unique_ptr<std::FILE, Deleter<std::fclose>>;

constexpr long kDay = 24 * 60 * 60;

void require(bool good, const std::string& what) {
  if (!good) throw std::runtime_error(what);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.c_str());
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1, "name");
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

/// A certificate for `key`, valid from yesterday, without its extensions and signature.
CertificatePtr unsigned_certificate(EVP_PKEY* key, long serial, const std::string& subject,
                                    const std::string& issuer) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30 * kDay);
  set_name(X509_get_subject_name(certificate.get()), subject);
  set_name(X509_get_issuer_name(certificate.get()), issuer);
  require(X509_set_pubkey(certificate.get(), key) == 1, "public key");
  return certificate;
}

FilePtr writable(const std::string& path) {
  FilePtr file(std::fopen(path.c_str(), "w"));
  require(file != nullptr, "cannot write " + path);
  return file;
}

class Authority {
 public:
  explicit Authority(std::string directory)
      : directory_(std::move(directory)),
        key_(EVP_EC_gen("P-256")),
        host_key_(EVP_EC_gen("P-256")),
        certificate_(unsigned_certificate(key_.get(), 1, kName, kName)) {
    extend(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(certificate_.get(), certificate_.get(), NID_subject_key_identifier, "hash");
    sign_and_write(certificate_.get(), "ca");
    require(PEM_write_PrivateKey(writable(directory_ + "/host.key").get(), host_key_.get(), nullptr,
                                 nullptr, 0, nullptr, nullptr) == 1,
            "cannot write the key");
  }

  void certify(const std::string& host) {
    auto certificate = unsigned_certificate(host_key_.get(), ++serial_, host, kName);
    auto* leaf = certificate.get();
    extend(leaf, certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
    extend(leaf, certificate_.get(), NID_key_usage, "critical,digitalSignature");
    extend(leaf, certificate_.get(), NID_ext_key_usage, "serverAuth");
    extend(leaf, certificate_.get(), NID_authority_key_identifier, "keyid");
    extend(leaf, certificate_.get(), NID_subject_alt_name, "DNS:" + host);
    sign_and_write(leaf, host);
  }

 private:
  static constexpr const char* kName = "tlspolicyd bench authority";

  void sign_and_write(X509* certificate, const std::string& name) {
    require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "cannot sign " + name);
    const auto path = directory_ + "/" + name + ".crt";
    require(PEM_write_X509(writable(path).get(), certificate) == 1, "cannot write " + path);
  }

  std::string directory_;
  KeyPtr key_;
  KeyPtr host_key_;
  CertificatePtr certificate_;
  long serial_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: certificates DIR < HOSTS\n";
    return 64;
  }
  try {
    Authority authority(argv[1]);
    for (std::string host; std::getline(std::cin, host);) authority.certify(host);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "certificates: " << error.what() << '\n';
    return 1;
  }
}
