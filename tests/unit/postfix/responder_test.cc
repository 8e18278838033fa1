#include "postfix/responder.h"

#include <doctest/doctest.h>

#include "fakes/fake_service.h"

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;

namespace {

struct World : fakes::FakeService {
  Responder responder{service, MapTable(), log};
};

using Kind = Responder::Response::Kind;

}  // namespace

TEST_CASE("requests without map name or key are malformed") {
  World world;
  for (const char* request : {"", "postfix", " example.org"}) {
    CAPTURE(request);
    std::string out;
    CHECK(world.responder.respond(request, out, [](auto) {}).kind == Kind::malformed);
    CHECK(out.empty());
  }
}

TEST_CASE("3.4 keys that are no next-hop are NOTFOUND at once, without traffic") {
  World world;
  for (const std::string& key :
       {std::string(), std::string("a b.test"), std::string("a\nb.test"),
        std::string("a\0b.test", 8), std::string(".example.org"), std::string("[192.0.2.1]"),
        std::string(5000, 'a'), std::string("a..b"), std::string("exa\x1bmple.org")}) {
    CAPTURE(key);
    std::string out;
    CHECK(world.responder.respond("postfix " + key, out, [](auto) {}).kind == Kind::answered);
    CHECK(out == "9:NOTFOUND ,");
  }
  CHECK(world.network.dns_questions() == 0);
}

TEST_CASE("a question that must wait is answered later, by a netstring") {
  World world;
  std::string out;
  std::string reply;
  const auto response =
      world.responder.respond("postfix example.org", out, [&](auto wire) { reply = wire; });
  CHECK(response.kind == Kind::waiting);
  CHECK(out.empty());
  world.time.pass(base::seconds{1});
  CHECK(reply == "9:NOTFOUND ,");
  CHECK(world.responder.respond("postfix example.org", out, [](auto) {}).kind == Kind::answered);
  CHECK(out == "9:NOTFOUND ,");
}
