#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/prefix.h"
#include "net/dns.h"
#include "net/https.h"
#include "net/loop.h"
#include "net/trust_store.h"

namespace tlspolicyd::net {

/// The HTTPS client of this program: finds the host's addresses itself, refuses those that are not
/// a stranger's (threats ), connects to one of them, verifies the certificate (RFC 8461
/// 3.3) and reads one response.
///
/// An address that fails, or is silent, before the first byte of a response does not decide: see
/// HttpsRace. Nor does an address family that answers late: see HostLookup.
///
/// The process must ignore SIGPIPE: OpenSSL writes to sockets with write(2).
class SecureHttpsClient final : public HttpsClient {
 public:
  struct Options {
    std::uint16_t port = 443;
    base::milliseconds timeout{60'000};  ///< of the whole work, the DNS included
    std::vector<base::Prefix> allow_addresses;
    std::string ca_file;        ///< "" is the system's trust store
    bool collect_peer = false;  ///< fill in HttpsPeer's certificate fields too
  };

  /// Throws std::runtime_error if the CA file cannot be read. `loop` and `resolver` must outlive
  /// it.
  SecureHttpsClient(Loop& loop, Resolver& resolver, Options options);
  /// A client like `other`, that asks another resolver and collects what is to be known of the
  /// peer. It shares the trust store, whose reading takes a while, and needs `other` no more.
  SecureHttpsClient(const SecureHttpsClient& other, Resolver& resolver);

  /// For requests from now on; those under way keep their options and trust store. Reads the trust
  /// store anew, also from the same place, unless all of its files are as they were. Throws like
  /// the constructor, and then changes nothing.
  void set_options(Options options);

  /// The trust store of requests from now on.
  const TrustStore& trust() const { return trust_; }
  void set_trust(TrustStore trust) { trust_ = std::move(trust); }

  /// Every error's text begins with the host's name. The client must outlive the operation.
  base::OperationPtr get(const HttpsRequest& request, Done done) override;

 private:
  class Get;

  Loop& loop_;
  Resolver& resolver_;
  std::shared_ptr<const Options> options_;
  TrustStore trust_;
};

}  // namespace tlspolicyd::net
