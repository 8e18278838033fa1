#include "fakes/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>

namespace tlspolicyd::fakes {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, base::Deleter<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

X509Ptr copy(const X509Ptr& certificate) { return X509Ptr(X509_dup(certificate.get())); }

// `issuer` is null for a certificate that signs itself.
Identity make(const CertificateRequest& request, const Identity* issuer) {
  static std::atomic<long> serial{1};
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  auto* certificate = made.certificate.get();
  require(made.key && certificate != nullptr, "key");
  auto* issuer_certificate = issuer != nullptr ? issuer->certificate.get() : certificate;

  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), request.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), request.ends);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(request.common_name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate));
  X509_set_pubkey(certificate, made.key.get());

  add_extension(certificate, issuer_certificate, NID_basic_constraints,
                request.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  add_extension(certificate, issuer_certificate, NID_subject_key_identifier, "hash");
  std::string names;
  for (const auto& name : request.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) add_extension(certificate, issuer_certificate, NID_subject_alt_name, names);
  if (!request.extended_key_usage.empty())
    add_extension(certificate, issuer_certificate, NID_ext_key_usage, request.extended_key_usage);

  const auto& signer = issuer != nullptr ? issuer->key : made.key;
  require(X509_sign(certificate, signer.get(), EVP_sha256()) > 0, "signature");
  return made;
}

}  // namespace

void Identity::install(SSL_CTX* context) const {
  require(SSL_CTX_use_certificate(context, certificate.get()) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "private key");
  for (const auto& intermediate : intermediates)
    require(SSL_CTX_add1_chain_cert(context, intermediate.get()) == 1, "chain");
}

CertificateAuthority::CertificateAuthority(const std::string& name)
    : root_(make({.common_name = name, .is_ca = true}, nullptr)) {}

Identity CertificateAuthority::issue(const CertificateRequest& request, int intermediates) const {
  Identity above;
  for (int i = 0; i < intermediates; ++i) {
    auto next = make({.common_name = "Intermediate " + std::to_string(i), .is_ca = true},
                     i == 0 ? &root_ : &above);
    next.intermediates.push_back(copy(next.certificate));
    for (auto& one : above.intermediates) next.intermediates.push_back(std::move(one));
    above = std::move(next);
  }
  auto leaf = make(request, intermediates == 0 ? &root_ : &above);
  leaf.intermediates = std::move(above.intermediates);
  return leaf;
}

Identity CertificateAuthority::self_signed(const CertificateRequest& request) {
  return make(request, nullptr);
}

std::string CertificateAuthority::pem() const {
  const std::unique_ptr<BIO, base::Deleter<BIO_free_all>> bio(BIO_new(BIO_s_mem()));
  require(bio && PEM_write_bio_X509(bio.get(), root_.certificate.get()) == 1, "PEM");
  char* data = nullptr;
  const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(size)};
}

TemporaryFile::TemporaryFile(const std::string& content)
    : path_(std::filesystem::temp_directory_path() / "tlspolicyd-test-XXXXXX") {
  const int fd = ::mkstemp(path_.data());
  require(fd >= 0, "temporary file");
  const auto written = ::write(fd, content.data(), content.size());
  ::close(fd);
  require(written == static_cast<ssize_t>(content.size()), "temporary file");
}

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

}  // namespace tlspolicyd::fakes
