#include "net/http_request.h"

#include <doctest/doctest.h>

#include <string>

using tlspolicyd::net::HttpRequest;
using tlspolicyd::net::HttpRequestParser;
using State = HttpRequestParser::State;

namespace {

/// What came of a request: "GET /path a=b c=d|body", with "!" if a page asks; the status and reason
/// of one that is refused; "..." for one that is not complete.
std::string outcome(const HttpRequestParser& parser) {
  switch (parser.state()) {
    case State::need_more: return "...";
    case State::refused: return std::to_string(parser.status()) + " " + std::string(parser.why());
    case State::complete: break;
  }
  const auto& request = parser.request();
  auto text = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
  return text + (request.body.empty() ? "" : "|" + request.body) + (request.from_page ? "!" : "");
}

std::string read(const std::string& bytes) {
  HttpRequestParser whole;
  whole.feed(bytes);
  HttpRequestParser pieces;
  for (const char c : bytes) pieces.feed(std::string_view(&c, 1));
  CHECK(outcome(whole) == outcome(pieces));
  return outcome(whole);
}

/// A request whose request line and fields have so many octets in all.
std::string with_header_of(std::size_t size) {
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  return line + std::string(size - line.size(), 'x') + "\r\n\r\n";
}

}  // namespace

TEST_CASE("RFC 9112: requests as clients send them") {
  struct Row {
    std::string bytes;
    std::string wanted;
  };
  const Row rows[] = {
      {"GET /metrics HTTP/1.1\r\nHost: localhost:9461\r\nUser-Agent: Prometheus/2.42.0\r\n\r\n",
       "GET /metrics"},
      {"GET / HTTP/1.0\r\n\r\n", "GET /"},
      {"GET /list?mode=enforce&limit=10 HTTP/1.1\r\nHost: h\r\n\r\n",
       "GET /list limit=10 mode=enforce"},
      {"GET /show?domain=b%c3%bCcher.example HTTP/1.1\r\nHost: h\r\n\r\n",
       "GET /show domain=b\xc3\xbc"
       "cher.example"},
      {"GET /x?a=1+2&&b&c= HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x a=1 2 b= c="},
      {"GET /x? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x"},
      {"POST /forget?domain=a.example HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
       "POST /forget domain=a.example"},
      {"POST /x HTTP/1.1\r\nHost: h\r\ncontent-length:3\r\n\r\nabc", "POST /x|abc"},
      {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcdef", "POST /x|abc"},
      {"POST /x HTTP/1.1\r\nHost: h\r\nOrigin: null\r\n\r\n", "POST /x!"},
      {"GET /x HTTP/1.1\r\nHost: h\r\nX:\ta\tb \r\n\r\n", "GET /x"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    CHECK(read(row.bytes) == row.wanted);
  }
}

TEST_CASE("RFC 9112: what two readers could understand differently is refused") {
  struct Row {
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1\n\n", 400},
      {"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\n b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 36), 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / FTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"PUT / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"GET http://host/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a=%0a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a=%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a=%g0 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a=1&a=2 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 01\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1025\r\n\r\na", 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n", 417},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    CHECK(read(row.bytes).substr(0, 4) == std::to_string(row.status) + " ");
  }
}

TEST_CASE("network D10: RFC 9112 3.2: HTTP/1.1 has one valid Host") {
  const auto host_of = [](const std::string& fields, const std::string& version = "1.1") {
    HttpRequestParser parser;
    parser.feed("GET / HTTP/" + version + "\r\n" + fields + "\r\n");
    if (parser.state() == State::complete) return "\"" + parser.request().host + "\"";
    return std::to_string(parser.status());
  };
  struct Row {
    std::string fields;
    std::string wanted;
  };
  const Row rows[] = {
      {"", "400"},
      {"X: y\r\n", "400"},
      {"Host: a.example\r\nHost: a.example\r\n", "400"},
      {"Host: a.example\r\nX: y\r\nhost:\r\n", "400"},
      {"Host:\r\n", "\"\""},
      {"HOST:  a.Example \r\n", "\"a.Example\""},
      {"Host: a.example:9461\r\n", "\"a.example\""},
      {"Host: a_b.example.:\r\n", "\"a_b.example.\""},
      {"Host: 127.0.0.1:9461\r\n", "\"127.0.0.1\""},
      {"Host: [::1]\r\n", "\"::1\""},
      {"Host: [::1]:9461\r\n", "\"::1\""},
      {"Host: ::1\r\n", "400"},
      {"Host: [::1\r\n", "400"},
      {"Host: [::1]9461\r\n", "400"},
      {"Host: a.example:http\r\n", "400"},
      {"Host: a.example:1:2\r\n", "400"},
      {"Host: a.example/x\r\n", "400"},
      {"Host: user@a.example\r\n", "400"},
      {"Host: a b\r\n", "400"},
      {"Host: a.example, b.example:80\r\n", "400"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.fields);
    CHECK(host_of(row.fields) == row.wanted);
  }
  CHECK(host_of("", "1.0") == "\"\"");
  CHECK(host_of("Host: a\r\nHost: a\r\n", "1.0") == "400");
}

TEST_CASE("network D10: DNS rebinding: a host that is an address or localhost, and any other") {
  const auto is_for_address = [](const std::string& host) {
    HttpRequest request;
    request.host = host;
    return request.is_for_address();
  };
  for (const char* host :
       {"", "localhost", "LocalHost", "localhost.", "127.0.0.1", "10.1.2.3", "::1", "2001:db8::1"})
    CHECK_MESSAGE(is_for_address(host), host);
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "evil", "0x7f000001", "1.2.3", "xn--localhost", "mail.example.org"})
    CHECK_MESSAGE(!is_for_address(host), host);
}

TEST_CASE("a browser is known by Origin and by fetch metadata") {
  for (const char* field : {"Origin: null", "Sec-Fetch-Site: none", "sec-fetch-mode: navigate",
                            "Sec-Fetch-Dest: document"}) {
    CAPTURE(field);
    CHECK(read("GET /x HTTP/1.1\r\nHost: h\r\n" + std::string(field) + "\r\n\r\n") == "GET /x!");
  }
  CHECK(read("GET /x HTTP/1.1\r\nHost: h\r\nSec-Fetc: y\r\nSec-GPC: 1\r\n\r\n") == "GET /x");
}

TEST_CASE("requests are bounded: 8 KiB of header, 1 KiB of body") {
  constexpr auto kMost = HttpRequestParser::kMaxHeader;
  CHECK(read(with_header_of(kMost)) == "GET /");
  CHECK(read(with_header_of(kMost + 1)) == "431 the header is too long");
  CHECK(read(std::string(100'000, 'x')) == "431 the header is too long");
  CHECK(read(std::string(kMost, 'x')) == "...");
  const std::string body(HttpRequestParser::kMaxBody, 'b');
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1024\r\nX: ";
  const auto largest = head + std::string(kMost - head.size(), 'x') + "\r\n\r\n" + body;
  CHECK(read(largest) == "POST /|" + body);
  CHECK(read(largest.substr(0, largest.size() - 1)) == "...");
}
