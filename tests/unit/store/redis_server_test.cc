#include "store/redis_server.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using store::RedisServer;

TEST_CASE("decisions 24: where a shared cache may be") {
  struct Row {
    std::string text;
    RedisServer server;
    std::string shown;
  };
  const Row rows[] = {
      {"redis://cache.example.org:6380/3",
       {.host = "cache.example.org", .port = 6380, .database = 3},
       "redis://cache.example.org:6380/3"},
      {"redis://cache", {.host = "cache"}, "redis://cache:6379/0"},
      {"redis://192.0.2.1/", {.host = "192.0.2.1"}, "redis://192.0.2.1:6379/0"},
      {"redis://[2001:db8::1]:7000",
       {.host = "2001:db8::1", .port = 7000},
       "redis://[2001:db8::1]:7000/0"},
      {"redis://[::1]/1", {.host = "::1", .database = 1}, "redis://[::1]:6379/1"},
      {"redis://:p%40ss@localhost",
       {.host = "localhost", .password = "p@ss"},
       "redis://:***@localhost:6379/0"},
      {"redis://mail:p:w@h:1",
       {.host = "h", .port = 1, .user = "mail", .password = "p:w"},
       "redis://mail:***@h:1/0"},
      {"redis+unix:///run/redis/redis.sock",
       {.path = "/run/redis/redis.sock"},
       "redis+unix:///run/redis/redis.sock"},
      {"redis+unix://:x@/run/a%20b?db=2",
       {.path = "/run/a b", .password = "x", .database = 2},
       "redis+unix://:***@/run/a b?db=2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto server = store::parse_redis_server(row.text);
    REQUIRE(server.ok());
    CHECK(*server == row.server);
    CHECK(server->text() == row.shown);
  }
}

TEST_CASE("anything else is refused, with what is expected") {
  const std::pair<std::string, std::string> rows[] = {
      {"cache:6379", "redis://HOST:6379/0 or redis+unix:///PATH is expected"},
      {"", "redis://HOST:6379/0 or redis+unix:///PATH is expected"},
      {"rediss://cache",
       "redis:// or redis+unix:// is expected; for TLS, let stunnel or the like listen on a local "
       "socket"},
      {"redis://", "the name or address of a host is expected"},
      {"redis://a b", "the name or address of a host is expected"},
      {"redis://cache:0", "a port is a number from 1 to 65535"},
      {"redis://cache/x", "the number of a database is expected"},
      {"redis://cache/0/1", "the number of a database is expected"},
      {"redis://[192.0.2.1]", "an IPv6 address in brackets is expected"},
      {"redis://user@cache", "USER:PASSWORD@ or :PASSWORD@ is expected"},
      {"redis://user:@cache", "a password after the colon is expected"},
      {"redis://:a%4@cache", "%XX with two hexadecimal digits is expected"},
      {"redis://:a%0a@cache", "a text without control characters is expected"},
      {"redis+unix://run/redis", "the absolute path of a socket is expected"},
      {"redis+unix:///run/", "the absolute path of a socket is expected"},
      {"redis+unix:///run/x?x=1", "?db=DATABASE is expected"},
      {"redis+unix:///run/x?db=70000", "the number of a database is expected"},
      {"redis+unix:///" + std::string(107, 'a'), "the absolute path of a socket is expected"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto server = store::parse_redis_server(row.first);
    CHECK((server ? "taken" : server.error().text) == row.second);
  }
}
