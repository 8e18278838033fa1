#include "postfix/delegation_request.h"

#include <doctest/doctest.h>

#include <string>

using namespace tlspolicyd::postfix;

namespace {

using Status = DelegationRequest::Status;

const std::string kRequest =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nsender=a@b.test\n"
    "recipient=Bob@Example.test\nccert_subject=a=b\n\n";

}  // namespace

TEST_CASE("postfix 7: a request is lines of name=value and an empty one; the rest is passed over") {
  const auto buffer = kRequest + "request=";
  const auto request = read_delegation_request(buffer, 1000);
  CHECK(request.status == Status::complete);
  CHECK(request.consumed == kRequest.size());
  CHECK(request.request == "smtpd_access_policy");
  CHECK(request.protocol_state == "RCPT");
  CHECK(request.recipient == "Bob@Example.test");
}

TEST_CASE("postfix 7: every beginning of a request is incomplete") {
  for (std::size_t length = 0; length < kRequest.size(); ++length) {
    CAPTURE(length);
    CHECK(read_delegation_request(kRequest.substr(0, length), 1000).status == Status::incomplete);
  }
}

TEST_CASE("postfix 7: no request is waited for beyond the limit, none has lines without =") {
  CHECK(read_delegation_request(kRequest, kRequest.size()).status == Status::complete);
  CHECK(read_delegation_request(kRequest, kRequest.size() - 1).status == Status::malformed);
  CHECK(read_delegation_request(std::string(1000, 'x'), 1000).status == Status::malformed);
  CHECK(read_delegation_request("request\n", 1000).status == Status::malformed);
  CHECK(read_delegation_request("a=b\nGET / HTTP/1.1\n", 1000).status == Status::malformed);
}

TEST_CASE("postfix 7: the first of two equal names counts; an empty request is one") {
  CHECK(read_delegation_request("recipient=a@b.test\nrecipient=c@d.test\n\n", 1000).recipient ==
        "a@b.test");
  const auto empty = read_delegation_request("\n", 1000);
  CHECK(empty.status == Status::complete);
  CHECK(empty.consumed == 1);
}
