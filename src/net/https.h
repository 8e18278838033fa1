#pragma once

#include <functional>
#include <string>

#include "base/domain_name.h"
#include "base/operation.h"
#include "base/result.h"

namespace tlspolicyd::net {

/// `GET https://HOST:PORT/PATH` with nothing from the environment: no proxy, no redirect, no
/// cookie, no cache (RFC 8461 3.3).
struct HttpsRequest {
  base::DomainName host;
  std::string path;
};

/// What was learnt about the connection, for people who ask why (`tlspolicy explain`).
struct HttpsPeer {
  std::string address;      ///< "192.0.2.1:443" of the connection, "" if there was none
  std::string tls_version;  ///< "TLSv1.3"
  std::string subject;      ///< the certificate's, one line
  std::string issuer;
  std::string not_after;  ///< expiry, as OpenSSL prints it
};

/// A complete response: its end was seen as HTTP/1.1 frames it.
struct HttpsReply {
  int status = 0;
  std::string media_type;  ///< the Content-Type field's value as it came, "" if absent
  std::string body;        ///< at most 64 KiB
  HttpsPeer peer;
};

/// Port: fetches from a host that may be hostile.
class HttpsClient {
 public:
  using Done = std::function<void(base::Result<HttpsReply>)>;
  virtual ~HttpsClient() = default;

  /// Starts one GET; `done` gets the response, whatever its status, within the client's deadline
  /// (60 s by default). Errors: the DNS's, no_address, address_refused, connect, tls, certificate,
  /// http, too_large, deadline, system.
  virtual base::OperationPtr get(const HttpsRequest& request, Done done) = 0;
};

}  // namespace tlspolicyd::net
