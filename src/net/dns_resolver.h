#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "base/address.h"
#include "net/dns.h"
#include "net/dns_servers.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// The resolver port over the name servers of the configuration or of resolv.conf(5).
///
/// Time: the first attempt waits `timeout`, each next one twice as long and on the next server,
/// while the earlier ones still listen. A server that fails at once makes the next one be asked at
/// once; when all have failed, the next attempt begins after a pause: a server that is merely busy
/// must not become a failure. The first pause is short; the later ones outlast the memory that a
/// recursive server has of a failure (unbound: 5 s, in whole seconds), so that the last attempt
/// makes it look anew.
///
/// Silence: where no server has replied to anything since a question began, they are asked for
/// something that a resolver knows by itself, for the time of one attempt; if that is not answered
/// either, our own resolver is dead (dns_unreachable), else the domain's name servers are silent
/// (dns_timeout).
///
/// Order: the server that answered last comes first (DnsServers). A question that is to be
/// validated does not leave the servers whose AD bit counts, if there are any: what they refuse as
/// forged, or fail to find out, another server must not pass off as unsigned (RFC 7672 2.1.1).
class DnsResolver final : public Resolver {
 public:
  /// Whose AD bit counts (RFC 4035 4.9.3): `automatic` is servers on loopback addresses.
  enum class TrustAd { automatic, yes, no };

  struct Options {
    std::vector<base::Endpoint> servers;
    TrustAd trust_ad = TrustAd::automatic;
    std::chrono::milliseconds timeout{1000};
    unsigned attempts = 3;
    std::size_t in_flight = 256;  ///< questions at work at once; more wait in line
    /// A question that has not got a place by then is `overloaded`: what gets one has the time for
    /// all its attempts, so that our own crowd is never taken for a silent server.
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

  /// Longest line of waiting questions; beyond it the answer is `overloaded`.
  static constexpr std::size_t kMaxWaiting = 16384;

  /// `loop` must outlive it, and it must outlive its questions.
  DnsResolver(Loop& loop, Options options);
  ~DnsResolver() override;

  base::OperationPtr resolve(const DnsQuestion& question, Done done) override;

  /// For a changed resolv.conf. Questions at work go on with the servers they began with.
  void set_servers(std::vector<base::Endpoint> servers);
  /// For questions from now on; those that were asked before keep their options and servers.
  void set_options(Options options);

  /// Whether the AD bit of `server` counts.
  static bool trusts(TrustAd setting, const base::Endpoint& server);

 private:
  friend class DnsLookup;
  using Servers = std::shared_ptr<DnsServers>;
  using Waiting = std::list<class DnsLookup*>;

  /// Whether a new question may begin at once, before nobody who waits.
  bool has_place() const { return at_work_ < options_->in_flight && waiting_.empty(); }
  void use(std::vector<base::Endpoint> servers);
  void give_back_place();
  void start_waiting();

  Loop& loop_;
  std::shared_ptr<const Options> options_;
  Servers servers_;
  Servers validating_;  ///< those that are trusted; all, where none or every one is
  std::size_t at_work_ = 0;
  Waiting waiting_;
  base::OperationPtr refill_;
};

}  // namespace tlspolicyd::net
