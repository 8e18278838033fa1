#pragma once

#include <functional>

#include "base/domain_name.h"
#include "base/operation.h"
#include "base/result.h"
#include "net/https.h"
#include "sts/policy.h"

namespace tlspolicyd::service {

/// The request for the policy of a domain (RFC 8461 3.2, 3.3).
/// Error: Fault::invalid if the domain is too long to have a policy host.
base::Result<net::HttpsRequest> policy_request(const base::DomainName& domain);

/// Judges a response of the policy host: status 200, text/plain, a valid policy (RFC
/// 8461 3.2, 3.3). Errors: http_status, media_type, invalid.
base::Result<sts::Policy> judge_reply(const net::HttpsReply& reply);

/// The result type of RFC 8460 4.3 that a failure to get a policy is reported as.
std::string_view tlsrpt_result_type(base::Fault fault);

/// Fetches and judges the policy of one domain.
class PolicyFetch final : public base::Operation {
 public:
  using Done = std::function<void(base::Result<sts::Policy>)>;
  /// `request` from policy_request(). Errors: those of net::HttpsClient and of judge_reply.
  PolicyFetch(net::HttpsClient& https, const net::HttpsRequest& request, Done done);

 private:
  base::OperationPtr get_;
};

}  // namespace tlspolicyd::service
