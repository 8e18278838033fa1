#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/dane_host.h"

namespace tlspolicyd::service {

/// What is known of MX hosts for DANE, by host and port: a few operators' hosts serve most domains,
/// so that each is looked at once for all of them. Kept as long as the DNS allows, at least a
/// minute and at most an hour; a failure for 30 s, doubling to 5 minutes (RFC 2308 7.1). In memory
/// only, bounded, the least recently used goes first.
class DaneHosts {
 public:
  static constexpr std::size_t kMost = 20'000;

  /// All references must outlive the object.
  DaneHosts(net::Resolver& resolver, base::Clock& clock, base::Timers& timers)
      : resolver_(resolver), clock_(clock), timers_(timers) {}
  DaneHosts(const DaneHosts&) = delete;
  DaneHosts& operator=(const DaneHosts&) = delete;

  /// A finding, and how much longer it holds.
  struct Known {
    dane::HostFinding host;
    base::seconds valid_for{0};
  };
  using Done = std::function<void(const Known&)>;

  /// What is known now, if anything; always of an address that stands in the place of a host.
  std::optional<Known> known(const base::DomainName& host, std::uint16_t port);

  /// Looks at the host, or joins who does already; the look goes on when nobody waits any more.
  /// Must outlive the operation.
  base::OperationPtr find(const base::DomainName& host, std::uint16_t port, Done done);

  /// Forgets what was found; looks under way go on, for those only who wait for them.
  void forget();
  /// The same of one host, at all ports.
  void forget(std::string_view host);

  std::size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<std::string, std::uint16_t>;
  class Waiter;
  using Waiters = std::list<Waiter*>;
  struct Entry {
    dane::HostFinding host;
    base::SteadyTime until;
    base::seconds error_pause{0};
    bool half_silent = false;  ///< as DaneFinding has it
    std::list<Key>::iterator turn;
  };
  struct Look {
    base::OperationPtr work;
    std::shared_ptr<Waiters> waiters;
    bool outdated = false;  ///< something was forgotten since it began
  };

  void on_found(const Key& key, const DaneFinding& finding);
  base::seconds remember(const Key& key, const DaneFinding& finding);

  net::Resolver& resolver_;
  base::Clock& clock_;
  base::Timers& timers_;
  std::map<Key, Entry> entries_;
  std::list<Key> turns_;  ///< the least recently used first
  std::map<Key, Look> under_way_;
};

}  // namespace tlspolicyd::service
