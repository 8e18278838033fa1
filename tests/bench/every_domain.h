#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "net/dns.h"
#include "net/https.h"
#include "store/store.h"
#include "sts/policy_file.h"

namespace tlspolicyd::bench {

/// The policy file of a domain that enforces, with two MX hosts.
inline std::string policy_file(const std::string& domain) {
  return fmt::format("version: STSv1\nmode: enforce\nmx: mx1.{0}\nmx: mx2.{0}\nmax_age: 604800\n",
                     domain);
}

/// What the disk has of it, fetched at that time.
inline store::Row row_of(const std::string& domain, base::WallTime fetched_at) {
  auto stored = std::make_shared<sts::StoredPolicy>();
  stored->policy = *sts::parse_policy(policy_file(domain));
  stored->id = "20250101000000";
  stored->fetched_at = fetched_at;
  stored->expires_at = fetched_at + base::seconds(604'800);
  return {domain, stored, {.used_at = fetched_at}};
}

/// A network in which every domain enforces a policy, and everything is answered soon.
class EveryDomain final : public net::Resolver, public net::HttpsClient {
 public:
  /// `fetched` is called for each policy that is asked for. `timers` must outlive it.
  explicit EveryDomain(
      base::Timers& timers, std::function<void()> fetched = [] {})
      : timers_(timers), fetched_(std::move(fetched)) {}

  base::OperationPtr resolve(const net::DnsQuestion& question, net::Resolver::Done done) override {
    net::DnsAnswer answer;
    answer.kind = net::DnsAnswer::Kind::records;
    answer.ttl = base::seconds(3600);
    answer.canonical_name = question.name.text();
    if (question.type == net::RecordType::txt) {
      answer.txt = {"v=STSv1; id=20250101000000;"};
    } else if (question.type == net::RecordType::mx) {
      answer.mx = {{10, "mx1." + question.name.text()}, {20, "mx2." + question.name.text()}};
    } else {
      answer.kind = net::DnsAnswer::Kind::no_data;
    }
    return timers_.after(base::milliseconds(1),
                         [answer = std::move(answer), done = std::move(done)] { done(answer); });
  }

  base::OperationPtr get(const net::HttpsRequest& request, net::HttpsClient::Done done) override {
    fetched_();
    net::HttpsReply reply;
    reply.status = 200;
    reply.media_type = "text/plain";
    reply.body = policy_file(request.host.text().substr(std::string_view("mta-sts.").size()));
    return timers_.after(base::milliseconds(30),
                         [reply = std::move(reply), done = std::move(done)] { done(reply); });
  }

 private:
  base::Timers& timers_;
  std::function<void()> fetched_;
};

}  // namespace tlspolicyd::bench
