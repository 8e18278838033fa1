#include "tool/admin_client.h"

#include <doctest/doctest.h>

#include <string>

using namespace tlspolicyd::tool;

TEST_CASE("a reply is taken only as a whole") {
  struct Row {
    const char* bytes;
    const char* wanted;  ///< status and body, or what is wrong
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "200 {}"},
      {"HTTP/1.1 404 Not Found\r\nX: y\r\ncontent-length: 0\r\n\r\n", "404 "},
      {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", "200 {}"},
      {"", "it has no header"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "it has no header"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "it has no header"},
      {"11:NOTFOUND  x,\r\n\r\n", "it has no header"},
      {"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}", "it has no status"},
      {"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}", "it has no status"},
      {"HTTP/1.1 ", "it has no header"},
      {"HTTP/1.1 200 OK\r\n\r\n{}", "it has no length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", "it has no length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n{}", "it has no length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "it is not complete"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", "it is not complete"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    const auto reply = parse_admin_reply(row.bytes);
    if (reply) {
      CHECK(std::to_string(reply->status) + " " + reply->body == row.wanted);
    } else {
      CHECK(reply.error().text == std::string("this is no reply of tlspolicyd: ") + row.wanted);
    }
  }
}

TEST_CASE("RFC 3986 2.1: a key is one value of a query, whatever is in it") {
  CHECK(query_escaped("a-1_b.example~") == "a-1_b.example~");
  CHECK(query_escaped("[relay.example]:587") == "%5Brelay.example%5D%3A587");
  CHECK(query_escaped("b\xc3\xbc&x=y z\r\n") == "b%C3%BC%26x%3Dy%20z%0D%0A");
}
