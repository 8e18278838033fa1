#include "tool/admin_endpoint.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace tlspolicyd;
using namespace tlspolicyd::tool;

TEST_CASE("the command line names the admin socket, else the environment") {
  const auto named = [](const std::string& option, const char* variable) -> std::string {
    ::setenv("TLSPOLICY_ADMIN", variable, 1);
    const auto admin = named_admin(option);
    ::unsetenv("TLSPOLICY_ADMIN");
    if (!admin) return admin.error().text;
    return *admin ? net::text_of(**admin) : "none";
  };
  CHECK(named("unix:/a", "unix:/b") == "unix:/a");
  CHECK(named("", "unix:/b") == "unix:/b");
  CHECK(named("", "") == "none");
  CHECK(named("x", "unix:/b").starts_with("-a x: an endpoint is"));
  CHECK(named("", "x").starts_with("TLSPOLICY_ADMIN x: an endpoint is"));
}

TEST_CASE("a file with mistakes tells the admin socket all the same") {
  struct Row {
    const char* text;
    const char* endpoint;  ///< null: none
  };
  const Row rows[] = {
      {"", config::kDefaultAdmin},
      {"admin: unix:/run/x", "unix:/run/x"},
      {"admin: unix:/run/x\nlisen: []", "unix:/run/x"},
      {"admin: \"\"", nullptr},
      {"admin: \"\"\nlisen: []", nullptr},
      {"admin: nonsense", config::kDefaultAdmin},
      {"admin: {mode: 0600}", config::kDefaultAdmin},
      {"admin: [", config::kDefaultAdmin},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto endpoint = admin_endpoint(config::read_config(row.text));
    REQUIRE(endpoint.has_value() == (row.endpoint != nullptr));
    if (endpoint) CHECK(net::text_of(*endpoint) == row.endpoint);
  }
}
