#pragma once

#include <functional>
#include <list>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/operation.h"
#include "base/result.h"
#include "net/connect_error.h"
#include "net/file_descriptor.h"
#include "net/loop.h"

namespace tlspolicyd::net {

/// A connected TCP socket: non-blocking, close-on-exec, without Nagle's delay.
struct Connection {
  FileDescriptor fd;
  base::Endpoint peer;
  /// The endpoints that have not failed, in order, without `peer`: for whom this one disappoints.
  std::vector<base::Endpoint> others;
};

/// The order in which a host's addresses are tried: without doubles, families by turns, IPv6 first,
/// at most `Connector::kMaxAddresses` (RFC 8305 section 4).
std::vector<base::Address> connection_order(const std::vector<base::Address>& addresses);

/// Connects to the first endpoint that answers. The next one is tried 250 ms after the previous, or
/// at once when that has failed (RFC 8305 section 5).
class Connector final : public base::Operation {
 public:
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr base::milliseconds kAttemptDelay{250};
  static constexpr base::milliseconds kAttemptTimeout{10'000};

  /// Errors: connect, with the last endpoint's cause; system if one failed for a cause of this
  /// machine's (see fault_of() in connect_error.h).
  using Done = std::function<void(base::Result<Connection>)>;

  /// REQUIRES: 1 to kMaxAddresses endpoints. `loop` must outlive it.
  Connector(Loop& loop, std::vector<base::Endpoint> endpoints, Done done);
  ~Connector() override;

  /// Endpoints to be tried after those that are known, which begins at once if none of these is
  /// left. REQUIRES: `done` has not been called; with the known ones at most kMaxAddresses.
  void add(const std::vector<base::Endpoint>& endpoints);

 private:
  struct Attempt;

  static void on_event(int fd, short what, void* attempt);
  void try_next();
  int start(const base::Endpoint& endpoint);
  void finished(Attempt& attempt, int cause);
  void connected(Attempt& attempt);
  void failed(const base::Endpoint& endpoint, const ConnectFailure& failure);

  Loop& loop_;
  std::vector<base::Endpoint> waiting_;  ///< not yet tried, the next one last
  Done done_;
  base::Error last_error_;
  std::list<Attempt> attempts_;
  base::OperationPtr next_;
};

}  // namespace tlspolicyd::net
