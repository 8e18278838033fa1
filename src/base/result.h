#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tlspolicyd::base {

/// What went wrong, for code: one word per cause that somebody would act on differently.
/// The order has no meaning; the names appear in logs and metrics (see name_of).
enum class Fault {
  invalid,          ///< a text or message does not have the form it must have
  dns_failed,       ///< a name server answered, with SERVFAIL, REFUSED or another failing RCODE
  dns_timeout,      ///< name servers did not answer in time, though some could be reached
  dns_unreachable,  ///< no name server could be reached at all: our own trouble
  no_address,       ///< the host has no A and no AAAA record
  address_refused,  ///< every address of the host is special-purpose (RFC 6890)
  connect,          ///< TCP connection refused, reset or timed out
  tls,              ///< TLS handshake or record failure other than the certificate
  certificate,      ///< the certificate is not trusted, not valid now, or not for this host
  http,             ///< not an HTTP/1.1 response of the strict form we read
  http_status,      ///< a status other than 200
  media_type,       ///< not text/plain
  too_large,        ///< longer than the limit
  deadline,         ///< the time for the whole work is over
  overloaded,       ///< one of our own limits is reached: our own trouble
  system,           ///< the operating system refused: our own trouble
};

/// The word for a fault as logs and metrics write it, e.g. "dns-failed".
std::string_view name_of(Fault fault);

/// True for faults that are ours and not the remote side's; they answer TEMP, never NOTFOUND
/// (decisions.md 11).
bool is_own_trouble(Fault fault);

/// Why something failed: a category for code, a text for people (printable, no final dot).
struct Error {
  Fault fault;
  std::string text;
  bool operator==(const Error&) const = default;
};

/// A value or the reason why there is none. Copies and moves like what it holds.
/// REQUIRES: value() and -> only when ok(); error() only when not ok().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : held_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& { return *std::get_if<0>(&held_); }
  T& value() & { return *std::get_if<0>(&held_); }
  T&& value() && { return std::move(*std::get_if<0>(&held_)); }
  const T* operator->() const { return std::get_if<0>(&held_); }
  T* operator->() { return std::get_if<0>(&held_); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const { return *std::get_if<1>(&held_); }

 private:
  std::variant<T, Error> held_;
};

}  // namespace tlspolicyd::base
