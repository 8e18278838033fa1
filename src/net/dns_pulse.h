#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/address.h"
#include "net/dns_exchange.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// Finds out whether any of the name servers is there at all, by asking each for an address of
/// "localhost", which a resolver knows by itself (RFC 6761 6.3). Any reply will do. So the silence
/// of a stranger's name servers, behind a resolver that is well, is told from that of our own.
class DnsPulse final : public base::Operation {
 public:
  /// `alive` after the first reply, or not after `patience`, or once all servers have failed.
  using Done = std::function<void(bool alive)>;

  /// `loop` must outlive it.
  DnsPulse(Loop& loop, const std::vector<base::Endpoint>& servers, base::milliseconds patience,
           Done done);

 private:
  void told(const DnsExchange::Outcome& outcome);
  void finish(bool alive);

  Done done_;
  std::size_t silent_;
  std::vector<std::unique_ptr<DnsExchange>> asked_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::net
