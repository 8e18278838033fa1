#include "config/endpoints.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::config;

namespace {

using Addresses = std::vector<net::ListenAddress>;
using Texts = std::vector<std::string>;

net::ListenAddress address(const std::string& text) {
  return net::parse_listen_address(text).value();
}

net::InheritedSocket socket(const std::string& name, const std::string& where) {
  return {name, net::FileDescriptor(), address(where), false};
}

Texts texts_of(const Addresses& addresses) {
  Texts texts;
  for (const auto& one : addresses) texts.push_back(text_of(one));
  return texts;
}

Texts texts_of(const std::vector<net::InheritedSocket>& sockets) {
  Texts texts;
  for (const auto& one : sockets) texts.push_back(one.name + "=" + text_of(one.address));
  return texts;
}

const std::string kDefault = "inet:127.0.0.1:8461";
const std::string kInQueue = "unix:/var/spool/postfix/tlspolicyd/socketmap";

}  // namespace

TEST_CASE("a socket's name says its service") {
  const struct {
    const char* name;
    const char* service;
  } rows[] = {
      {"socketmap", "socketmap"},
      {"policy", "policy"},
      {"admin", "admin"},
      {"metrics", "metrics"},
      // Without FileDescriptorName= it is the unit's.
      {"tlspolicyd.socket", "socketmap"},
      {"tlspolicyd-postfix.socket", "socketmap"},
      {"tlspolicyd@1.socket", "socketmap"},
      {"tlspolicyd-socketmap.socket", "socketmap"},
      {"tlspolicyd-policy.socket", "policy"},
      {"tlspolicyd-admin.socket", "admin"},
      {"tlspolicyd-metrics.socket", "metrics"},
      // From a supervisor that knows no names.
      {"", "socketmap"},
      {"sockemap", ""},
      {"Socketmap", ""},
      {"socketmap ", ""},
      {"tlspolicyd", ""},
      {"tlspolicyd.service", ""},
      {"postfix-tlspolicyd.socket", ""},
      {".socket", ""},
      {"stored", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(service_of(row.name) == row.service);
  }
}

TEST_CASE("without inherited sockets all endpoints are bound") {
  std::vector<net::InheritedSocket> sockets;
  for (const bool by_default : {true, false}) {
    const auto endpoints = take_endpoints("socketmap", {address(kDefault)}, by_default, sockets);
    CHECK(endpoints.inherited.empty());
    CHECK(texts_of(endpoints.to_bind) == Texts{kDefault});
  }
}

TEST_CASE("an inherited socket takes the place of the default, and comes beside what is listed") {
  for (const bool by_default : {true, false}) {
    std::vector<net::InheritedSocket> sockets;
    sockets.push_back(socket("socketmap", kInQueue));
    const auto endpoints = take_endpoints("socketmap", {address(kDefault)}, by_default, sockets);
    CHECK(texts_of(endpoints.inherited) == Texts{"socketmap=" + kInQueue});
    CHECK(texts_of(endpoints.to_bind) == (by_default ? Texts{} : Texts{kDefault}));
    CHECK(sockets.empty());
  }
}

TEST_CASE("what is listed and inherited is not bound a second time") {
  std::vector<net::InheritedSocket> sockets;
  sockets.push_back(socket("socketmap", kInQueue));
  sockets.push_back(socket("tlspolicyd.socket", kDefault));
  const Addresses configured{address(kDefault), address("inet:[::1]:8461"),
                             net::UnixAddress{kInQueue.substr(5), 0600, "postfix"}};
  const auto endpoints = take_endpoints("socketmap", configured, false, sockets);
  CHECK(texts_of(endpoints.inherited) ==
        Texts{"socketmap=" + kInQueue, "tlspolicyd.socket=" + kDefault});
  CHECK(texts_of(endpoints.to_bind) == Texts{"inet:[::1]:8461"});
}

TEST_CASE("sockets of other services are left, in their order, and change nothing") {
  std::vector<net::InheritedSocket> sockets;
  sockets.push_back(socket("metrics", "inet:127.0.0.1:9461"));
  sockets.push_back(socket("socketmap", kInQueue));
  sockets.push_back(socket("stranger", kDefault));
  const auto endpoints = take_endpoints("socketmap", {address(kDefault)}, false, sockets);
  CHECK(texts_of(endpoints.inherited) == Texts{"socketmap=" + kInQueue});
  CHECK(texts_of(endpoints.to_bind) == Texts{kDefault});
  CHECK(texts_of(sockets) == Texts{"metrics=inet:127.0.0.1:9461", "stranger=" + kDefault});

  const auto metrics = take_endpoints("metrics", {}, false, sockets);
  CHECK(texts_of(metrics.inherited) == Texts{"metrics=inet:127.0.0.1:9461"});
  CHECK(texts_of(sockets) == Texts{"stranger=" + kDefault});
}
