#include "postfix/delivery_status.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;
using service::Decision;

namespace {

sts::StoredPolicy stored(std::vector<const char*> patterns) {
  sts::StoredPolicy stored;
  stored.id = "20260101";
  stored.policy.mode = sts::Mode::enforce;
  for (const char* pattern : patterns)
    stored.policy.mx.push_back(sts::MxPattern::parse(pattern).value());
  return stored;
}

const sts::StoredPolicy kPolicy = stored({"mx1.a.test", "*.b.test"});

Requirement secure() {
  return {.domain = "a.test",
          .kind = Decision::Kind::secure,
          .reason = {},
          .policy = &kPolicy,
          .names = {"mx1.a.test", "mx2.a.test"},
          .elsewhere = nullptr};
}
Requirement dane() {
  return {.domain = "a.test", .kind = Decision::Kind::dane, .reason = {}, .policy = &kPolicy};
}
Requirement trouble() {
  return {.domain = "a.test",
          .kind = Decision::Kind::temporary,
          .reason = "a.test: MX look-up failed: SERVFAIL for MX a.test"};
}

const std::string kPublished =
    " a.test publishes an MTA-STS policy (mode enforce, id 20260101) that requires a trusted "
    "certificate for mx1.a.test or mx2.a.test, but ";
const std::string kSee = "; see https://mta-sts.a.test/.well-known/mta-sts.txt";
const std::string kDane =
    " a.test has mail servers with TLSA records in the DNS, so that DANE (RFC 7672) is required, "
    "but ";

}  // namespace

TEST_CASE("decision 21: each of Postfix's fixed texts is told with its cause") {
  struct Row {
    const char* status;
    Requirement required;
    std::string told;
  };
  const Row rows[] = {
      {"4.7.5 Server certificate not verified", secure(),
       "4.7.5" + kPublished + "the server's certificate could not be verified" + kSee},
      {"4.7.5 Server certificate not trusted", secure(),
       "4.7.5" + kPublished + "the server's certificate could not be verified" + kSee},
      {"4.7.4 TLS is required, but was not offered by host mx4.a.test[192.0.2.4]", secure(),
       "4.7.4" + kPublished + "host mx4.a.test[192.0.2.4] does not offer TLS" + kSee},
      {"4.7.4 TLS is required, but host mx4.a.test[2001:db8::4] refused to start TLS: 454 <own "
       "words>",
       secure(), "4.7.4" + kPublished + "host mx4.a.test[2001:db8::4] refused to start TLS" + kSee},
      {"4.7.5 Cannot start TLS: handshake failure", secure(),
       "4.7.5" + kPublished + "the TLS handshake failed" + kSee},
      {"4.7.5 Server certificate not verified", dane(),
       "4.7.5" + kDane + "the server's certificate does not match them"},
      {"4.7.5 no TLSA records found", dane(), "4.7.5" + kDane + "no TLSA records found"},
      {"4.7.5 TLSA lookup error for mx.a.test:25", dane(),
       "4.7.5" + kDane + "they could not be looked up"},
      {"4.7.5 non DNSSEC destination", dane(), "4.7.5" + kDane + "non DNSSEC destination"},
      {"4.7.4 TLS is required, but was not offered by host mx.a.test[192.0.2.4]", dane(),
       "4.7.4" + kDane + "host mx.a.test[192.0.2.4] does not offer TLS"},
      {"4.7.5 client TLS configuration problem", trouble(),
       "4.7.5 what a.test requires of TLS could not be found out: MX look-up failed: SERVFAIL for "
       "MX a.test"},
      // A message that waited too long: Postfix makes 5 of it before it asks.
      {"5.7.5 Server certificate not verified", secure(),
       "5.7.5" + kPublished + "the server's certificate could not be verified" + kSee},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status);
    CHECK(explain_status(row.status, row.required) == row.told);
  }
}

TEST_CASE("decision 21: no MX host that exists is allowed: who is, and who is there") {
  const std::vector<std::string> hosts{"mx.elsewhere.test"};
  auto required = secure();
  required.elsewhere = &hosts;
  const std::string told =
      " a.test publishes an MTA-STS policy (mode enforce, id 20260101) that allows mail to "
      "mx1.a.test and *.b.test only, but its mail servers are mx.elsewhere.test";
  CHECK(explain_status("4.7.5 Server certificate not verified", required) == "4.7.5" + told);
  CHECK(explain_status("4.3.0 server unavailable or unable to receive mail", required) ==
        "4.3.0" + told);
  const std::vector<std::string> none;
  required.elsewhere = &none;
  CHECK(explain_status("4.3.0 server unavailable or unable to receive mail", required)
            .ends_with("but it has no mail server"));
}

TEST_CASE("decision 21: everything else keeps Postfix's text") {
  for (const char* status :
       {"2.0.0 250 ok", "4.4.1 connect to mx.a.test[192.0.2.1]:25: Connection refused",
        "5.1.1 user unknown", "4.7.5", "", "nonsense", "4.7.5 Server certificate not verified!",
        "x.y.z Server certificate not verified", "2.7.5 Server certificate not verified"}) {
    CAPTURE(status);
    CHECK(explain_status(status, secure()) == "");
    CHECK(explain_status(status, dane()) == "");
    CHECK(explain_status(status, trouble()) == "");
  }
  // The texts that another requirement explains.
  CHECK(explain_status("4.7.5 client TLS configuration problem", secure()) == "");
  CHECK(explain_status("4.7.5 no TLSA records found", secure()) == "");
  CHECK(explain_status("4.7.5 Server certificate not verified", trouble()) == "");
  CHECK(explain_status("4.3.0 server unavailable or unable to receive mail", secure()) == "");
  CHECK(explain_status("4.7.5 Server certificate not verified",
                       {.domain = "a.test", .kind = Decision::Kind::no_policy}) == "");
}

TEST_CASE("decision 21: bytes of the remote side are not handed on") {
  for (const char* status : {"4.7.4 TLS is required, but was not offered by host \x1b[31m",
                             "4.7.4 TLS is required, but was not offered by host a b[1.2.3.4]",
                             "4.7.4 TLS is required, but was not offered by host mx.a.test[x]",
                             "4.7.4 TLS is required, but host ] refused ["}) {
    CAPTURE(status);
    CHECK(explain_status(status, secure()).find("its mail server ") != std::string::npos);
  }
}

TEST_CASE("decision 21: long lists are cut, and the text is bounded") {
  auto required = secure();
  required.names.clear();
  for (int n = 0; n < 9; ++n) required.names.push_back("mx" + std::to_string(n) + ".a.test");
  CHECK(explain_status("4.7.5 Server certificate not verified", required)
            .find("mx0.a.test, mx1.a.test, mx2.a.test, mx3.a.test, mx4.a.test or 4 more, but") !=
        std::string::npos);
  const std::string label(60, 'a');
  required.names.assign(5, label + "." + label + "." + label + ".test");
  CHECK(explain_status("4.7.5 Server certificate not verified", required).size() <= 620);
}

TEST_CASE("decisions 27: failures that outdated MX hosts or TLSA records may have caused") {
  for (const char* status :
       {"4.7.5 Server certificate not verified", "4.7.5 Server certificate not trusted",
        "5.7.5 Server certificate not verified", "4.7.5 no TLSA records found",
        "4.7.5 TLSA records unusable", "4.7.5 no matching DANE TLSA records",
        "4.7.5 TLSA lookup error for mx.a.test:25", "4.7.5 non DNSSEC destination",
        "4.3.0 server unavailable or unable to receive mail"}) {
    CAPTURE(status);
    CHECK(suggests_outdated_findings(status));
    CHECK(is_no_host_allowed(status) == std::string_view(status).ends_with("receive mail"));
  }
  for (const char* status :
       {"2.0.0 250 ok", "4.7.4 TLS is required, but was not offered by host mx.a.test[192.0.2.1]",
        "4.7.5 Cannot start TLS: handshake failure", "4.7.5 client TLS configuration problem",
        "4.4.1 connect to mx.a.test[192.0.2.1]:25: Connection refused",
        "4.7.5 Server certificate not verified?", "Server certificate not verified", ""}) {
    CAPTURE(status);
    CHECK_FALSE(suggests_outdated_findings(status));
  }
}
