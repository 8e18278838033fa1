#pragma once

#include <string>

#include "fakes/fake_network.h"

namespace tlspolicyd::fakes {

/// A domain that enforces, with an MX host that its policy allows or one elsewhere.
inline void publish(FakeNetwork& network, const std::string& domain, const std::string& mx_host) {
  net::DnsAnswer txt;
  txt.kind = net::DnsAnswer::Kind::records;
  txt.ttl = base::seconds{3600};
  auto mx = txt;
  txt.txt = {"v=STSv1; id=7;"};
  mx.mx = {{10, mx_host}};
  network.set_dns({"_mta-sts." + domain, net::RecordType::txt}, {.outcome = txt});
  network.set_dns({domain, net::RecordType::mx}, {.outcome = mx});
  net::HttpsReply reply;
  reply.status = 200;
  reply.media_type = "text/plain";
  reply.body = "version: STSv1\nmode: enforce\nmx: mx." + domain + "\nmax_age: 86400\n";
  network.set_https("mta-sts." + domain, {.outcome = reply});
}

}  // namespace tlspolicyd::fakes
