#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "net/certificate_error.h"
#include "net/x509_text.h"

namespace tlspolicyd::net {
namespace {

// As OpenSSL reads it.
base::WallTime wall_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

TlsStream::TlsStream(const TlsContext& context, FileDescriptor socket, const std::string& host)
    : socket_(std::move(socket)), ssl_(context.connection(socket_.get(), host)) {}

TlsStream::TlsStream(FileDescriptor socket, SslPtr ssl)
    : socket_(std::move(socket)), ssl_(std::move(ssl)) {}

TlsStream::Step TlsStream::handshake() {
  if (!ssl_) return fail(base::Fault::system, "no memory for a TLS connection");
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return {Outcome::done};
  return translate(result);
}

TlsStream::Step TlsStream::read(std::span<char> buffer) {
  std::size_t bytes = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
  if (result == 1) return {Outcome::done, bytes};
  return translate(result);
}

bool TlsStream::has_pending() const { return SSL_has_pending(ssl_.get()) == 1; }

TlsStream::Step TlsStream::write(std::string_view data) {
  std::size_t bytes = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), data.data(), data.size(), &bytes);
  if (result == 1) return {Outcome::done, bytes};
  return translate(result);
}

void TlsStream::close_notify() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::uint64_t TlsStream::bytes_received() const {
  return BIO_number_read(SSL_get_rbio(ssl_.get()));
}

TlsStream::Step TlsStream::translate(int result) {
  // EPIPE is what remains to be seen of a reset that came earlier.
  const int system_error = errno == EPIPE ? ECONNRESET : errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Outcome::wants_read};
    case SSL_ERROR_WANT_WRITE: return {Outcome::wants_write};
    case SSL_ERROR_ZERO_RETURN: return {Outcome::closed};
    case SSL_ERROR_SYSCALL:
      return fail(base::Fault::tls, std::generic_category().message(system_error), Outcome::reset);
    default: break;
  }
  // Where a certificate is only to be shown, it is not what went wrong.
  const bool verifies = SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE;
  if (const long verdict = SSL_get_verify_result(ssl_.get()); verifies && verdict != X509_V_OK)
    return fail(certificate_error(verdict, wall_time()));
  const auto code = ERR_peek_error();
  if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {Outcome::cut_off};
  const char* reason = ERR_reason_error_string(code);
  return fail(base::Fault::tls,
              reason != nullptr ? reason : std::generic_category().message(system_error));
}

TlsStream::Step TlsStream::fail(base::Fault fault, std::string_view text, Outcome outcome) {
  return fail({fault, std::string(text)}, outcome);
}

TlsStream::Step TlsStream::fail(base::Error error, Outcome outcome) {
  error_ = std::move(error);
  return {outcome};
}

std::string TlsStream::version() const { return SSL_get_version(ssl_.get()); }

void TlsStream::describe_certificate(HttpsPeer& peer) const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return;
  peer.subject = one_line(X509_get_subject_name(certificate));
  peer.issuer = one_line(X509_get_issuer_name(certificate));
  peer.not_after = text_of(X509_get0_notAfter(certificate));
}

}  // namespace tlspolicyd::net
