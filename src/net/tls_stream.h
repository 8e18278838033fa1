#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/file_descriptor.h"
#include "net/https.h"
#include "net/tls_context.h"

namespace tlspolicyd::net {

/// A TLS client over a connected non-blocking socket, one step at a time. It knows no event loop:
/// each step does what can be done now and says what it waits for.
///
/// OpenSSL writes with write(2): the process must ignore SIGPIPE (main does, and so do the tests).
class TlsStream {
 public:
  enum class Outcome {
    done,
    wants_read,
    wants_write,
    closed,   ///< by the peer, with close_notify
    cut_off,  ///< closed by whomever, without close_notify
    reset,    ///< the connection broke: see error()
    failed    ///< see error()
  };
  struct Step {
    Outcome outcome;
    std::size_t bytes = 0;  ///< read or written, for done
  };

  /// `context` must outlive it.
  TlsStream(const TlsContext& context, FileDescriptor socket, const std::string& host);
  /// Over a connection that was made for this socket; empty if there was no memory for it.
  TlsStream(FileDescriptor socket, SslPtr ssl);

  /// Costs up to some tenths of a millisecond a call, so call it in an own turn (base::Timers).
  Step handshake();
  /// At most one TLS record a call. After wants_read the socket need not be readable while
  /// has_pending().
  Step read(std::span<char> buffer);
  bool has_pending() const;
  Step write(std::string_view bytes);
  /// Tells the peer the end, if the socket takes it at once.
  void close_notify();

  int fd() const { return socket_.get(); }
  /// Bytes that came over the socket, TLS's own included.
  std::uint64_t bytes_received() const;
  /// That of certificate_error(), tls, or system. REQUIRES: the last step's outcome is reset or
  /// failed.
  const base::Error& error() const { return *error_; }

  std::string version() const;
  ssl_st* ssl() const { return ssl_.get(); }
  /// Fills in the fields that come from the certificate.
  void describe_certificate(HttpsPeer& peer) const;

 private:
  Step translate(int result);
  Step fail(base::Fault fault, std::string_view text, Outcome outcome = Outcome::failed);
  Step fail(base::Error error, Outcome outcome = Outcome::failed);

  FileDescriptor socket_;
  SslPtr ssl_;
  std::optional<base::Error> error_;
};

}  // namespace tlspolicyd::net
