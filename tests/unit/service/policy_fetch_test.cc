#include "service/policy_fetch.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using base::Fault;

namespace {

const char* const kPolicy = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n";

}  // namespace

TEST_CASE("S11 the URL of a policy") {
  const auto request = service::policy_request(base::DomainName::parse("Example.ORG").value());
  REQUIRE(request.ok());
  CHECK(request->host.text() == "mta-sts.example.org");
  CHECK(request->path == "/.well-known/mta-sts.txt");
}

TEST_CASE("S12 S20 a response is judged by status, media type and grammar") {
  const struct {
    int status;
    const char* type;
    const char* body;
    std::optional<Fault> fault;
  } rows[] = {
      {200, "text/plain", kPolicy, std::nullopt},
      {200, "Text/Plain; charset=UTF-8; x=y", kPolicy, std::nullopt},
      {200, "text/html", kPolicy, Fault::media_type},
      {200, "", kPolicy, Fault::media_type},
      {200, "text/plain", "", Fault::invalid},
      {200, "text/plain", "<html>", Fault::invalid},
      {301, "text/plain", kPolicy, Fault::http_status},
      {302, "text/plain", kPolicy, Fault::http_status},
      {308, "text/plain", kPolicy, Fault::http_status},
      {204, "text/plain", kPolicy, Fault::http_status},
      {206, "text/plain", kPolicy, Fault::http_status},
      {304, "text/plain", kPolicy, Fault::http_status},
      {404, "text/plain", kPolicy, Fault::http_status},
      {500, "text/plain", kPolicy, Fault::http_status},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.type);
    const auto policy = service::judge_reply({row.status, row.type, row.body, {}});
    CHECK(policy.ok() == !row.fault);
    if (row.fault) CHECK(policy.error().fault == *row.fault);
  }
}

TEST_CASE("R7 failures are named as RFC 8460 names them") {
  CHECK(service::tlsrpt_result_type(Fault::certificate) == "sts-webpki-invalid");
  CHECK(service::tlsrpt_result_type(Fault::invalid) == "sts-policy-invalid");
  CHECK(service::tlsrpt_result_type(Fault::media_type) == "sts-policy-invalid");
  for (const auto fault : {Fault::dns_failed, Fault::connect, Fault::tls, Fault::http_status,
                           Fault::too_large, Fault::deadline})
    CHECK(service::tlsrpt_result_type(fault) == "sts-policy-fetch-error");
}
