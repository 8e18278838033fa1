#pragma once

#include <functional>
#include <string>

#include "fakes/fake_network.h"

namespace tlspolicyd::property {

/// Sees what passes between the service and the network.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void dns_asked(const net::DnsQuestion& question) = 0;
  /// Before the service is told.
  virtual void dns_answered(const net::DnsQuestion& question,
                            const base::Result<net::DnsAnswer>& answer) = 0;
  /// Given up by the service.
  virtual void dns_dropped(const net::DnsQuestion& question) = 0;
  virtual void fetch_began(const std::string& host) = 0;
  /// Before the service is told.
  virtual void fetch_ended(const std::string& host, const base::Result<net::HttpsReply>& reply) = 0;
  /// Given up by the service.
  virtual void fetch_dropped(const std::string& host) = 0;
};

/// The faked network with a witness in front of it.
class Web final : public net::Resolver, public net::HttpsClient {
 public:
  Web(fakes::FakeTime& time, Witness& witness) : network_(time), witness_(witness) {}

  /// Where it is told what to answer, and asked how often it was.
  fakes::FakeNetwork& network() { return network_; }

  /// Whether the resolver validates: if not, no answer is authenticated.
  void set_validating(bool validating) { validating_ = validating; }

  base::OperationPtr resolve(const net::DnsQuestion& question, net::Resolver::Done done) override;
  base::OperationPtr get(const net::HttpsRequest& request, net::HttpsClient::Done done) override;

 private:
  class Query;
  class Fetch;

  fakes::FakeNetwork network_;
  Witness& witness_;
  bool validating_ = true;
};

}  // namespace tlspolicyd::property
