#include "service/policy_fetch.h"

#include <fmt/format.h>

#include "sts/media_type.h"
#include "sts/policy_file.h"

namespace tlspolicyd::service {

using base::Error;
using base::Fault;

base::Result<net::HttpsRequest> policy_request(const base::DomainName& domain) {
  auto host = domain.below("mta-sts");
  if (!host) return host.error();
  return net::HttpsRequest{std::move(*host), "/.well-known/mta-sts.txt"};
}

base::Result<sts::Policy> judge_reply(const net::HttpsReply& reply) {
  if (reply.status != 200)
    return Error{Fault::http_status, fmt::format("HTTP status {}", reply.status)};
  if (!sts::is_text_plain(reply.media_type))
    return Error{Fault::media_type, "Content-Type is not text/plain"};
  return sts::parse_policy(reply.body);
}

std::string_view tlsrpt_result_type(Fault fault) {
  switch (fault) {
    case Fault::certificate: return "sts-webpki-invalid";
    case Fault::media_type:
    case Fault::invalid: return "sts-policy-invalid";
    default: return "sts-policy-fetch-error";
  }
}

PolicyFetch::PolicyFetch(net::HttpsClient& https, const net::HttpsRequest& request, Done done)
    : get_(
          https.get(request, [done = std::move(done)](base::Result<net::HttpsReply> reply) mutable {
            // `done` may destroy this operation and with it the closure it is called from.
            const auto finish = std::move(done);
            if (reply) {
              finish(judge_reply(*reply));
            } else {
              finish(reply.error());
            }
          })) {}

}  // namespace tlspolicyd::service
