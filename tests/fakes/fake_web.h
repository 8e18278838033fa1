#pragma once

#include <utility>

#include "fakes/fake_network.h"
#include "net/https.h"

namespace tlspolicyd::fakes {

/// An HTTPS client that passes on to a faked network, which must outlive it; for those who own
/// theirs.
class FakeWeb final : public net::HttpsClient {
 public:
  explicit FakeWeb(FakeNetwork& network) : network_(network) {}
  base::OperationPtr get(const net::HttpsRequest& request, Done done) override {
    return network_.get(request, std::move(done));
  }

 private:
  FakeNetwork& network_;
};

}  // namespace tlspolicyd::fakes
