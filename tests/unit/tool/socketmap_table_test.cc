#include "tool/socketmap_table.h"

#include <doctest/doctest.h>

namespace tlspolicyd::tool {
namespace {

DaemonEndpoints endpoints(std::initializer_list<const char*> listen,
                          const char* queue = "/var/spool/postfix") {
  std::vector<net::ListenAddress> addresses;
  for (const char* text : listen) addresses.push_back(net::parse_listen_address(text).value());
  return {addresses, queue};
}

TEST_CASE("socketmap tables are split at the last colon, proxied or not") {
  const SocketmapTable wanted{"inet:[::1]:8461", "postfix"};
  CHECK(parse_socketmap_table("socketmap:inet:[::1]:8461:postfix") == wanted);
  CHECK(parse_socketmap_table("proxy:socketmap:inet:[::1]:8461:postfix") == wanted);
  CHECK(wanted.text() == "socketmap:inet:[::1]:8461:postfix");
  for (const char* text : {"hash:/etc/postfix/policy", "socketmap:", "socketmap", "", "$maps"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_socketmap_table(text));
  }
}

TEST_CASE("1.6, 0.15 the endpoint that works with chroot and without") {
  struct {
    DaemonEndpoints endpoints;
    const char* text;
    bool chroot_hides;
  } const rows[] = {
      {endpoints({"inet:127.0.0.1:8461"}), "inet:127.0.0.1:8461", false},
      // a socket below the queue directory goes before everything else
      {endpoints({"inet:127.0.0.1:8461", "unix:/run/a", "unix:/var/spool/postfix/tlspolicyd/map"}),
       "unix:tlspolicyd/map", false},
      {endpoints({"unix:/var/spool/postfix/./a/../map"}, "/var/spool/postfix/"), "unix:map", false},
      // then TCP, on this machine where all addresses are listened on
      {endpoints({"unix:/run/a", "inet:0.0.0.0:1", "inet:127.0.0.1:2"}), "inet:127.0.0.1:1", false},
      {endpoints({"inet:[::]:8461"}), "inet:[::1]:8461", false},
      {endpoints({"inet:192.0.2.1:8461"}), "inet:192.0.2.1:8461", false},
      // a socket elsewhere if there is nothing better
      {endpoints({"unix:/run/a", "unix:/run/b"}), "unix:/run/a", true},
      {endpoints({"unix:/var/spool/postfix2/map"}), "unix:/var/spool/postfix2/map", true},
      {endpoints({"unix:/var/spool/postfix/../map"}), "unix:/var/spool/postfix/../map", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto choice = row.endpoints.choice();
    CHECK(choice.text == row.text);
    CHECK(choice.chroot_hides == row.chroot_hides);
  }
}

TEST_CASE("the daemon is recognised however main.cf names it") {
  const auto here = endpoints({"inet:0.0.0.0:8461", "inet:[::1]:8461",
                               "unix:/var/spool/postfix/tlspolicyd/map", "unix:/run/map"});
  for (const char* text :
       {"inet:127.0.0.1:8461", "inet:localhost:8461", "inet:[::1]:8461", "unix:tlspolicyd/map",
        "unix:/var/spool/postfix/tlspolicyd/map", "unix:/tlspolicyd/map", "unix:/run/map"}) {
    CAPTURE(text);
    CHECK(here.contain(text));
  }
  for (const char* text : {"inet:127.0.0.1:8462", "inet:192.0.2.1:8461", "inet:other.example:8461",
                           "unix:map", "unix:/run/other", "unix:", "", "8461"}) {
    CAPTURE(text);
    CHECK_FALSE(here.contain(text));
  }
}

}  // namespace
}  // namespace tlspolicyd::tool
