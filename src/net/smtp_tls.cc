#include "net/smtp_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "net/x509_text.h"

namespace tlspolicyd::net {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, base::Deleter<GENERAL_NAMES_free>>;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

std::vector<std::string> dns_names(const X509* certificate) {
  const NamesPtr all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int at = 0; all && at < sk_GENERAL_NAME_num(all.get()); ++at) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), at);
    if (name->type != GEN_DNS || names.size() == SmtpTls::kMaxNames) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return names;
}

bool is_valid_for(X509* certificate, const std::string& name) {
  // As smtp(8) has it; without names in the SAN, that looks at the subject.
  return X509_check_host(certificate, name.data(), name.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

}  // namespace

SmtpTls::SmtpTls(const std::string& ca_file) {
  // OpenSSL is initialised by it, as for HTTPS.
  const TlsContext https(ca_file);
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  require(context_ != nullptr, "OpenSSL gives no TLS context");
  require(SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION) == 1,
          "TLS 1.2 is not available");
  require(SSL_CTX_dane_enable(context_.get()) == 1, "DANE is not available");
  SSL_CTX_dane_set_flags(context_.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_verify_depth(context_.get(), TlsContext::kMaxDepth);
  SSL_CTX_set_max_cert_list(context_.get(), TlsContext::kMaxChain);
  // One read takes one record, so that a peer cannot keep us in it.
  SSL_CTX_clear_mode(context_.get(), SSL_MODE_AUTO_RETRY);
  load_trust(context_.get(), ca_file);
}

SslPtr SmtpTls::connection(int fd, const std::string& host,
                           const std::vector<TlsaRecord>& tlsa) const {
  ERR_clear_error();
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  // The macro SSL_set_tlsext_host_name casts in the old style.
  if (SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(host.c_str())) != 1)
    return nullptr;
  if (!tlsa.empty()) {
    if (SSL_dane_enable(ssl.get(), host.c_str()) != 1) return nullptr;
    // One that OpenSSL cannot use is passed over, as smtp(8) does; without any this would be PKIX.
    bool used = false;
    for (const auto& record : tlsa)
      used |= SSL_dane_tlsa_add(ssl.get(), record.usage, record.selector, record.matching_type,
                                record.data.data(), record.data.size()) == 1;
    if (!used) return nullptr;
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

SmtpCertificate judge_peer(ssl_st* connection, const std::vector<std::string>& wanted) {
  SmtpCertificate judged;
  X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr) {
    judged.distrust = "the host shows no certificate";
    return judged;
  }
  judged.subject = one_line(X509_get_subject_name(certificate));
  judged.issuer = one_line(X509_get_issuer_name(certificate));
  judged.not_after = text_of(X509_get0_notAfter(certificate));
  judged.names = dns_names(certificate);
  if (const long verdict = SSL_get_verify_result(connection); verdict != X509_V_OK)
    judged.distrust = X509_verify_cert_error_string(verdict);
  for (const auto& name : wanted) {
    if (!is_valid_for(certificate, name)) continue;
    judged.matched = name;
    break;
  }
  ERR_clear_error();
  return judged;
}

}  // namespace tlspolicyd::net
