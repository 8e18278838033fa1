#include "explain/plan_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace tlspolicyd;
using namespace tlspolicyd::explain;
using nlohmann::json;

namespace {

ProbePlan plan() {
  ProbePlan plan;
  plan.domain = "a.test";
  plan.port = 587;
  plan.demand = {.kind = Demand::Kind::tlsa, .names = {"hostname"}, .why = "x", .binding = false};
  plan.hosts = {{"mx.a.test", false, true, {{3, 1, 1, std::vector<std::uint8_t>(32, 0xa5)}}}};
  plan.left_out = {"mx9.a.test"};
  return plan;
}

}  // namespace

TEST_CASE("a plan comes out as it went in") {
  const auto back = plan_of(json::parse(json_of(plan()).dump()));
  REQUIRE(back);
  CHECK(back->domain == "a.test");
  CHECK(back->port == 587);
  CHECK(back->demand.kind == Demand::Kind::tlsa);
  CHECK(back->demand.names == std::vector<std::string>{"hostname"});
  CHECK_FALSE(back->demand.binding);
  REQUIRE(back->hosts.size() == 1);
  CHECK_FALSE(back->hosts[0].allowed);
  CHECK(back->hosts[0].tlsa_known);
  CHECK(back->hosts[0].tlsa == plan().hosts[0].tlsa);
  CHECK(json_of(*back) == json_of(plan()));
}

TEST_CASE("what is no plan is refused; what is of no use in one is left out") {
  for (const char* text : {"null", "[]", "1", "{}", R"({"domain": 1})"}) {
    CAPTURE(text);
    CHECK_FALSE(plan_of(json::parse(text)));
  }
  for (const char* key : {"domain", "port", "demand", "hosts", "left_out"}) {
    CAPTURE(key);
    auto value = json_of(plan());
    value.erase(key);
    CHECK_FALSE(plan_of(value));
  }
  for (const json& port : {json(65'536), json(-1), json(2.5), json("25")}) {
    auto value = json_of(plan());
    value["port"] = port;
    CHECK_FALSE(plan_of(value));
  }
  auto value = json_of(plan());
  value["hosts"][0]["tlsa"][0]["data"] = "zz";
  CHECK(plan_of(value)->hosts[0].tlsa.empty());
  value["hosts"][0]["tlsa"][0]["usage"] = 256;
  CHECK_FALSE(plan_of(value));
  value = json_of(plan());
  for (int n = 0; n < 100; ++n) value["hosts"].push_back(value["hosts"][0]);
  CHECK(plan_of(value)->hosts.size() == ProbePlan::kMaxHosts);
  value["demand"]["kind"] = "of the future";
  CHECK(plan_of(value)->demand.kind == Demand::Kind::unknown);
}
