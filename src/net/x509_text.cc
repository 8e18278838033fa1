#include "net/x509_text.h"

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <memory>

#include "base/deleter.h"

namespace tlspolicyd::net {
namespace {

using BioPtr = std::unique_ptr<BIO, base::Deleter<BIO_free_all>>;

std::string content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::string one_line(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  return content_of(bio.get());
}

std::string text_of(const ASN1_TIME* time) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || ASN1_TIME_print(bio.get(), time) != 1) return {};
  return content_of(bio.get());
}

}  // namespace tlspolicyd::net
