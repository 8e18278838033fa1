#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/operation.h"
#include "net/connector.h"
#include "net/https.h"
#include "net/https_exchange.h"

namespace tlspolicyd::net {

/// One GET to one host by whichever of its addresses answers: happy eyeballs (RFC 8305) carried up
/// to the first byte of the response (decision 26).
///
/// The next address is started when those before it have failed, 250 ms after a SYN without an
/// answer (Connector), and kStall after a connection was made that has not brought a byte of the
/// response. A slow address is overtaken and not dropped: whichever sends the first byte is used,
/// the others are closed, and what follows that byte is final. So no address is ever cut short, and
/// the last one has all that is left of the deadline.
///
/// It has no deadline of its own. It is bounded by Connector::kMaxAddresses addresses, each of
/// which is connected to once; but one that was dropped in the TLS handshake gets a second
/// connection after the others have failed, since a busy host must not lose its domain's
/// protection.
class HttpsRace final : public base::Operation {
 public:
  /// Longer than TCP, TLS and the request take on any path that mail goes over (3 to 4 round trips,
  /// one packet sent again after 1 s), so that a good host is rarely asked twice. Short enough that
  /// the last of 8 addresses, 7 of them silent, is started after 14 s: within the 30 s that an
  /// answer to Postfix waits for a policy (decision 14).
  static constexpr base::milliseconds kStall{2000};

  struct Request {
    std::string host;
    std::string text;  ///< as it is sent
    std::uint16_t port = 443;
    bool collect_peer = false;
  };

  /// Errors: those of Connector and HttpsExchange. Where several addresses failed, a local failure
  /// is reported before a certificate, and that before the rest (the result type of RFC 8460 4.3
  /// is then webpki-invalid and tells the domain what to fix).
  using Done = std::function<void(base::Result<HttpsReply>)>;

  /// `more_follow`: add() will be called, and there is no failure before that. All references must
  /// outlive the object.
  HttpsRace(Loop& loop, const TlsContext& context, Request request,
            const std::vector<base::Address>& addresses, bool more_follow, Done done);
  ~HttpsRace() override;

  /// The addresses of the other family, or why there are none. May call `done`.
  /// REQUIRES: it was constructed with `more_follow`, and this is the first call.
  void add(const base::Result<std::vector<base::Address>>& addresses);

  /// What it waits for, for people.
  std::string_view phase() const;
  /// The failure that would be reported if no address answered any more.
  const std::optional<base::Error>& failure() const { return failure_; }
  /// True for failures that say more than that an address was not reached.
  static bool is_telling(const base::Error& failure);

 private:
  struct Run {
    std::unique_ptr<HttpsExchange> exchange;
  };

  std::vector<base::Endpoint> endpoints(const std::vector<base::Address>& addresses,
                                        std::size_t limit);
  void proceed();
  void connected(base::Result<Connection> connection);
  void exchange_over(Connection connection);
  void stalled();
  void answered(const Run& winner);
  void ended(const Run& run, base::Result<HttpsReply> reply);
  void note(base::Error error);
  void finish(base::Result<HttpsReply> reply);

  Loop& loop_;
  const TlsContext& context_;
  const Request request_;
  bool more_follow_;
  Done done_;
  std::size_t known_ = 0;                ///< addresses that were given, at most kMaxAddresses
  std::vector<base::Endpoint> waiting_;  ///< not tried, in order
  std::unique_ptr<Connector> connector_;
  std::list<Run> runs_;
  bool is_stalled_ = false;
  bool is_decided_ = false;                      ///< a byte of a response has come
  std::optional<base::Endpoint> second_chance_;  ///< of whom it is
  bool had_second_chance_ = false;
  std::optional<base::Error> failure_;
  base::OperationPtr timer_;  ///< of a stall, or before the second chance
};

}  // namespace tlspolicyd::net
