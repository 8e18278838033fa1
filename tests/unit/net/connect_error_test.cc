#include "net/connect_error.h"

#include <doctest/doctest.h>

#include <cerrno>

using tlspolicyd::base::Address;
using tlspolicyd::base::Endpoint;
using tlspolicyd::base::Fault;
using namespace tlspolicyd::net;

TEST_CASE("decision 11: which failures to connect are this machine's") {
  constexpr auto v4 = Address::Family::v4, v6 = Address::Family::v6;
  const Connectivity nothing{}, only_ipv6{.has_ipv6_route = true, .has_source = false},
      no_port{.has_ipv6_route = true, .has_source = true};
  struct {
    const char* what;
    ConnectFailure failure;
    Address::Family family;
    Connectivity have;
    Fault fault;
  } const rows[] = {
      {"no descriptors", {EMFILE, true}, v4, nothing, Fault::system},
      {"no descriptors in the system", {ENFILE, true}, v6, nothing, Fault::system},
      {"no memory", {ENOMEM, true}, v4, nothing, Fault::system},
      {"no buffers", {ENOBUFS, true}, v4, nothing, Fault::system},
      {"refused", {ECONNREFUSED}, v4, nothing, Fault::connect},
      {"timed out", {ETIMEDOUT}, v4, nothing, Fault::connect},
      {"no route to the host", {EHOSTUNREACH}, v4, nothing, Fault::connect},

      {"the uplink is down", {ENETUNREACH, true}, v4, nothing, Fault::system},
      {"an IPv6-only machine, an IPv4-only host",
       {ENETUNREACH, true},
       v4,
       only_ipv6,
       Fault::connect},
      {"an IPv4-only machine, an IPv6-only host", {ENETUNREACH, true}, v6, nothing, Fault::connect},
      {"a router on the way says so", {ENETUNREACH, false}, v4, nothing, Fault::connect},

      {"local ports used up", {EADDRNOTAVAIL, true}, v4, no_port, Fault::system},
      {"local ports used up, IPv6", {EADDRNOTAVAIL, true}, v6, no_port, Fault::system},
      {"IPv6 switched off by sysctl", {EADDRNOTAVAIL, true}, v6, nothing, Fault::connect},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(fault_of(row.failure, row.family, row.have) == row.fault);
  }
}

TEST_CASE("the error names the endpoint, the cause, and what this machine lacks") {
  const Endpoint here{Address::parse("127.0.0.1").value(), 443};
  CHECK(connect_error(here, {ECONNREFUSED}).text == "127.0.0.1:443: Connection refused");
  // The kernel has a source address for itself.
  const auto error = connect_error(here, {EADDRNOTAVAIL, true});
  CHECK(error.fault == Fault::system);
  CHECK(error.text ==
        "127.0.0.1:443: Cannot assign requested address: this machine has no free local port");
}
