#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/address.h"
#include "net/dns.h"
#include "net/dns_places.h"
#include "net/dns_servers.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// The resolver port over the name servers of the configuration or of resolv.conf(5).
///
/// Time: the first attempt waits `timeout`, each next one twice as long and on the next server,
/// while the earlier ones still listen; after the last attempt all of them listen until the
/// deadline. A server that fails at once makes the next one be asked at once; when all have failed,
/// the next attempt begins after a pause: a server that is merely busy must not become a failure.
/// The first pause is short; the later ones outlast the memory that a recursive server has of a
/// failure (unbound: 5 s, in whole seconds), so that the last attempt makes it look again.
///
/// Places: `in_flight` questions have sockets at once. A question that pauses holds no place, and
/// goes before new ones when it comes back.
///
/// Silence: if no server has replied to anything from the beginning of a question to the end of its
/// last attempt, they are asked for something that a resolver knows by itself, for `timeout`. If
/// that is not answered either, our own resolver is dead and the question ends (dns_unreachable);
/// else it goes on listening, and the domain's name servers are silent (dns_timeout). Where only
/// the trusted servers are asked and others exist, silence is always dns_timeout: the trusted ones
/// may only be slow.
///
/// Order: the server that answered last comes first (DnsServers). A question that is to be
/// validated does not leave the servers whose AD bit counts, if there are any: what they refuse as
/// forged, or fail to find out, another server must not pass off as unsigned (RFC 7672 2.1.1).
class DnsResolver final : public Resolver {
 public:
  /// Whose AD bit counts (RFC 4035 4.9.3): `automatic` is servers on loopback addresses, without
  /// those that are known to be stubs (is_stub()).
  enum class TrustAd { automatic, yes, no };

  struct Options {
    std::vector<base::Endpoint> servers;
    TrustAd trust_ad = TrustAd::automatic;
    std::chrono::milliseconds timeout{1000};
    unsigned attempts = 3;
    std::size_t in_flight = 256;  ///< questions with sockets at once; more wait in line
    /// A question that stands in line for longer is `overloaded`: what gets a place has the time
    /// for all its attempts, so that our own crowd is never taken for a silent server.
    std::chrono::milliseconds line_limit{3000};
    /// Between the first attempt, if every server failed at once, and the second.
    std::chrono::milliseconds pause{500};
    /// The same between later attempts.
    std::chrono::milliseconds long_pause{5'600};
    /// Of everything together, the time in line included.
    std::chrono::milliseconds deadline{10'000};
    /// How long the first server is left aside after another one had to answer.
    std::chrono::milliseconds probe_interval{60'000};
  };

  /// Most questions without a place; beyond it the answer is `overloaded`.
  static constexpr std::size_t kMaxWaiting = DnsPlaces::kMaxWaiting;

  /// `loop` must outlive it, and it must outlive its questions.
  DnsResolver(Loop& loop, Options options);
  ~DnsResolver() override;

  base::OperationPtr resolve(const DnsQuestion& question, Done done) override;

  /// For a changed resolv.conf. Questions at work go on with the servers they began with.
  void set_servers(std::vector<base::Endpoint> servers);
  /// For questions from now on; those that were asked before keep their options and servers.
  void set_options(Options options);

  /// Sets what is called whenever a question that is to be validated finds all its servers
  /// unreachable while there are servers that it may not be put to: after each such attempt, and
  /// before `done` if it ends in dns_unreachable. Must not destroy the resolver or a question.
  void set_on_trusted_unreachable(std::function<void()> call) {
    trusted_unreachable_ = std::move(call);
  }

  /// Whether the AD bit of `server` counts.
  static bool trusts(TrustAd setting, const base::Endpoint& server);
  /// Whether this is the address of a stub that forwards: systemd-resolved's 127.0.0.53 and
  /// 127.0.0.54, Docker's 127.0.0.11. It passes on the AD bit of servers that it does not
  /// authenticate.
  static bool is_stub(const base::Address& server);

 private:
  friend class DnsLookup;
  using Servers = std::shared_ptr<DnsServers>;

  // For questions.
  Loop& loop() { return loop_; }
  DnsPlaces& places() { return places_; }
  std::shared_ptr<const Options> options() const { return options_; }
  Servers servers_for(const DnsQuestion& question) const {
    return question.validated ? validating_ : servers_;
  }
  void on_trusted_unreachable() const {
    if (trusted_unreachable_) trusted_unreachable_();
  }

  void use(std::vector<base::Endpoint> servers);

  Loop& loop_;
  std::shared_ptr<const Options> options_;
  Servers servers_;
  Servers validating_;  ///< those that are trusted; all, where none or every one is
  DnsPlaces places_;
  std::function<void()> trusted_unreachable_;
};

}  // namespace tlspolicyd::net
