#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "net/dns.h"
#include "net/https.h"

namespace tlspolicyd::explain {

/// Something that was asked of the network, what came of it and how long it took. No outcome: it
/// was still under way when nobody waited for it any more.
template <class Asked, class Told>
struct Step {
  Asked asked;
  std::optional<base::Result<Told>> outcome;
  base::milliseconds took{0};

  bool succeeded() const { return outcome && outcome->ok(); }
};

using DnsStep = Step<net::DnsQuestion, net::DnsAnswer>;
using HttpsStep = Step<net::HttpsRequest, net::HttpsReply>;

/// A resolver that notes what is asked of the one behind it. That one must outlive it, and it the
/// operations it returned.
class TracedResolver final : public net::Resolver {
 public:
  /// `noted` is called after each answer has been noted, before it is passed on.
  TracedResolver(net::Resolver& behind, std::function<void()> noted)
      : behind_(behind), noted_(std::move(noted)) {}

  base::OperationPtr resolve(const net::DnsQuestion& question, Done done) override;

  /// The first step that asked for this, nullptr if none did.
  const DnsStep* find(const base::DomainName& name, net::RecordType type) const;
  /// All, in the order in which they were begun.
  const std::deque<DnsStep>& steps() const { return steps_; }

 private:
  net::Resolver& behind_;
  std::function<void()> noted_;
  std::deque<DnsStep> steps_;  // keeps addresses
};

/// The same for an HTTPS client, which it owns.
class TracedHttps final : public net::HttpsClient {
 public:
  explicit TracedHttps(std::unique_ptr<net::HttpsClient> behind) : behind_(std::move(behind)) {}

  base::OperationPtr get(const net::HttpsRequest& request, Done done) override;

  const std::deque<HttpsStep>& steps() const { return steps_; }

 private:
  std::unique_ptr<net::HttpsClient> behind_;
  std::deque<HttpsStep> steps_;
};

}  // namespace tlspolicyd::explain
