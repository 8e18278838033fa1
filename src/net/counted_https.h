#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/outcome_tally.h"
#include "net/https.h"

namespace tlspolicyd::net {

/// Counts requests to policy hosts by outcome, and how long they took, the DNS included.
struct HttpsTally {
  base::OutcomeTally ended;  ///< a response of any status succeeded
  std::size_t in_flight = 0;
  base::Histogram seconds{{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}};
};

/// Decorates an HTTPS client: counts what it is asked for. A request that is given up is not
/// counted.
class CountedHttps final : public HttpsClient {
 public:
  /// All that is given must outlive it, and it its requests.
  CountedHttps(HttpsClient& https, const base::Clock& clock) : https_(https), clock_(clock) {}

  base::OperationPtr get(const HttpsRequest& request, Done done) override;

  const HttpsTally& tally() const { return tally_; }

 private:
  class Get;

  HttpsClient& https_;
  const base::Clock& clock_;
  HttpsTally tally_;
};

}  // namespace tlspolicyd::net
