#include "net/http_response.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using tlspolicyd::base::Fault;
using tlspolicyd::net::HttpResponseParser;
using State = HttpResponseParser::State;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\n";

/// How the peer ended the connection after the bytes.
enum class End { open, clean, cut };

HttpResponseParser parse(std::string_view bytes, End end = End::open,
                         std::size_t piece = std::string_view::npos) {
  HttpResponseParser parser;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    parser.feed(bytes.substr(0, piece));
  if (end != End::open) parser.eof(end == End::clean);
  return parser;
}

struct Good {
  std::string name;
  std::string bytes;
  std::string body;
  End end = End::open;
  int status = 200;
  std::string media_type = "";
};

struct Bad {
  std::string name;
  std::string bytes;
  Fault fault = Fault::http;
  End end = End::open;
};

std::string repeated(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string hex(std::size_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%zx", number);
  return text;
}

const std::vector<Good> kGood = {
    {"length", kOk + "Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello", "hello",
     End::open, 200, "text/plain"},
    {"names in any case, blanks around values",
     kOk + "cOnTeNt-LeNgTh:\t 5 \t\r\ncontent-type:text/plain; charset=utf-8  \r\n\r\nhello",
     "hello", End::open, 200, "text/plain; charset=utf-8"},
    {"leading zeros in the length", kOk + "Content-Length: 0000000000000000000000005\r\n\r\nhello",
     "hello"},
    {"empty body", kOk + "Content-Length: 0\r\n\r\n", ""},
    {"what follows the body is not read", kOk + "Content-Length: 2\r\n\r\nokHTTP/1.1 garbage",
     "ok"},
    {"close_notify ends a body", kOk + "\r\nhello", "hello", End::clean},
    {"HTTP/1.0 by length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
    {"HTTP/1.0 by close", "HTTP/1.0 200 OK\r\n\r\nok", "ok", End::clean},
    {"empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok"},
    {"reason of obs-text and tab", "HTTP/1.1 200 \xc3\xbc\tb\r\nContent-Length: 2\r\n\r\nok", "ok"},
    {"chunked", kOk + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "abcde"},
    {"chunked in another case, hex digits",
     kOk + "Transfer-Encoding: CHUNKED\r\n\r\n0A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
     "01234567890123456789"},
    {"chunk extensions and trailers are skipped",
     kOk + "Transfer-Encoding: chunked\r\n\r\n2 ; x=\"y z\"\r\nok\r\n0;last\r\nContent-Length: "
           "9\r\n\r\n",
     "ok"},
    {"Content-Encoding identity", kOk + "Content-Encoding: Identity\r\nContent-Length: 2\r\n\r\nok",
     "ok"},
    {"obs-text in a value", kOk + "X: \xe4\r\nContent-Length: 2\r\n\r\nok", "ok"},
    {"empty value", kOk + "X:\r\nY: \r\nContent-Length: 2\r\n\r\nok", "ok"},
    {"16 interim responses",
     repeated(16, "HTTP/1.1 100 Continue\r\nX: y\r\nContent-Length: 9\r\n\r\n") + kOk +
         "Content-Length: 2\r\n\r\nok",
     "ok"},
    {"103 with fields of no meaning here",
     "HTTP/1.1 103 Early Hints\r\nContent-Type: a/b\r\nContent-Encoding: br\r\n\r\n" + kOk +
         "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\nok",
     "ok", End::open, 200, "text/plain"},
    {"a long Content-Security-Policy",
     kOk + "Content-Security-Policy: " + std::string(5000, 'x') + "\r\nContent-Length: 2\r\n\r\nok",
     "ok"},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", End::open, 204},
    {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "", End::open,
     304},
    {"S20 a redirect is complete without its body",
     "HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 99999999\r\n\r\n", "",
     End::open, 301},
    {"404 with gzip", "HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b", "",
     End::open, 404},
    {"S24 65536 bytes by length", kOk + "Content-Length: 65536\r\n\r\n" + std::string(65536, 'x'),
     std::string(65536, 'x')},
    {"S24 65536 bytes until close", kOk + "\r\n" + std::string(65536, 'x'), std::string(65536, 'x'),
     End::clean},
    {"S24 65536 bytes in chunks of one",
     kOk + "Transfer-Encoding: chunked\r\n\r\n" + repeated(65536, "1\r\nx\r\n") + "0\r\n\r\n",
     std::string(65536, 'x')},
};

const std::vector<Bad> kBad = {
    // Status line
    {"A-22 HTTP/0.9", "version: STSv1\nmode: enforce\n"},
    {"A-22 HTTP/0.9 HTML", "<html>"},
    {"A-22 HTTP/2 SETTINGS frame", std::string("\0\0\x12\x04\0\0\0\0\0", 9)},
    {"A-22 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n"},
    {"HTTP/2 by name", "HTTP/2 200\r\n\r\n"},
    {"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"},
    {"lower case", "http/1.1 200 OK\r\n\r\n"},
    {"blank before", " HTTP/1.1 200 OK\r\n\r\n"},
    {"code of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
    {"code of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
    {"code 000", "HTTP/1.1 000 OK\r\n\r\n"},
    {"code 600", "HTTP/1.1 600 OK\r\n\r\n"},
    {"code with sign", "HTTP/1.1 +20 OK\r\n\r\n"},
    {"empty after the version", "HTTP/1.1 \r\n\r\n"},
    {"NUL in the reason", "HTTP/1.1 200 O" + std::string(1, '\0') + "K\r\n\r\n"},
    {"status line too long", "HTTP/1.1 200 " + std::string(1010, 'x') + "\r\n", Fault::too_large},
    {"endless status line", "HTTP/1.1 200 " + std::string(100'000, 'x'), Fault::too_large},
    {"101", "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
    {"17 interim responses", repeated(17, "HTTP/1.1 100 Continue\r\n\r\n")},
    {"A-3 10^6 interim responses", repeated(1'000'000, "HTTP/1.1 100 Continue\r\n\r\n")},
    {"A-3 interim responses of 17 KiB",
     repeated(3, "HTTP/1.1 103 Early Hints\r\nLink: " + std::string(6000, 'x') + "\r\n\r\n"),
     Fault::too_large},
    // Fields
    {"bare CR in a value", kOk + "X: a\rb\r\n\r\n"},
    {"NUL in a value", kOk + "X: a" + std::string(1, '\0') + "b\r\n\r\n"},
    {"ESC in a value", kOk + "X: \x1b[0m\r\n\r\n"},
    {"DEL in a value", kOk + "X: \x7f\r\n\r\n"},
    {"NUL in a name", kOk + "X" + std::string(1, '\0') + ": x\r\n\r\n"},
    {"field too long", kOk + "X: " + std::string(8188, 'x') + "\r\n", Fault::too_large},
    {"A-3 one endless field", kOk + "X: " + std::string(1'000'000, 'x'), Fault::too_large},
    {"A-3 endless fields", kOk + repeated(200'000, "X: y\r\n"), Fault::too_large},
    // Framing
    {"conflicting Content-Length", kOk + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"},
    {"negative length", kOk + "Content-Length: -2\r\n\r\nok"},
    {"length with sign", kOk + "Content-Length: +2\r\n\r\nok"},
    {"hexadecimal length", kOk + "Content-Length: 0x2\r\n\r\nok"},
    {"two codings", kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {"vertical tab before chunked", kOk + "Transfer-Encoding: \x0b"
                                          "chunked\r\n\r\n"},
    {"A-2 gzip", kOk + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"},
    {"A-2 gzip beside identity",
     kOk + "Content-Encoding: gzip\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n"},
    {"A-2 list with identity", kOk + "Content-Encoding: identity, br\r\nContent-Length: 2\r\n\r\n"},
    // Limits of the body
    {"S24 Content-Length 65537", kOk + "Content-Length: 65537\r\n\r\n", Fault::too_large},
    {"A-1 Content-Length of 10 GB", kOk + "Content-Length: 10737418240\r\n\r\n", Fault::too_large},
    {"A-1 Content-Length of 2^64 + 2", kOk + "Content-Length: 18446744073709551618\r\n\r\n",
     Fault::too_large},
    {"S24 65537 bytes until close", kOk + "\r\n" + std::string(65537, 'x'), Fault::too_large},
    {"S24 chunk of 65537", kOk + "Transfer-Encoding: chunked\r\n\r\n10001\r\n", Fault::too_large},
    {"S24 chunks of 65537 together",
     kOk + "Transfer-Encoding: chunked\r\n\r\n" + hex(65536) + "\r\n" + std::string(65536, 'x') +
         "\r\n1\r\n",
     Fault::too_large},
    {"A-1 chunk size of 2^64 + 2", kOk + "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n",
     Fault::too_large},
    {"A-1 endless chunk-size line",
     kOk + "Transfer-Encoding: chunked\r\n\r\n" + std::string(1'000'000, '0'), Fault::too_large},
    {"A-1 endless chunk extension",
     kOk + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(1'000'000, 'x'), Fault::too_large},
    {"A-1 chunk extensions without end",
     kOk + "Transfer-Encoding: chunked\r\n\r\n" +
         repeated(1000, "1;" + std::string(1000, 'x') + "\r\nx\r\n"),
     Fault::too_large},
    {"A-1 endless trailers",
     kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + repeated(200'000, "X: y\r\n"),
     Fault::too_large},
    // Chunks
    {"chunk without size", kOk + "Transfer-Encoding: chunked\r\n\r\n\r\n"},
    {"chunk size not hexadecimal", kOk + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"},
    {"chunk size with 0x", kOk + "Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n"},
    {"chunk size with sign", kOk + "Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n"},
    {"chunk size with a blank before", kOk + "Transfer-Encoding: chunked\r\n\r\n 2\r\nok\r\n"},
    {"chunk longer than its size", kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n"},
    {"NUL in a chunk extension",
     kOk + "Transfer-Encoding: chunked\r\n\r\n2;" + std::string(1, '\0') + "\r\nok\r\n"},
    // Truncation
    {"nothing at all", "", Fault::http, End::clean},
    {"end in the status line", "HTTP/1.1 200", Fault::http, End::clean},
    {"end in the fields", kOk + "Content-Length: 2\r\n", Fault::http, End::clean},
    {"end after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", Fault::http, End::clean},
    {"end within the length", kOk + "Content-Length: 3\r\n\r\nok", Fault::http, End::clean},
    {"end before the last chunk", kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
     Fault::http, End::clean},
    {"end before the empty line after the last chunk",
     kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", Fault::http, End::clean},
    {"body until close without close_notify", kOk + "\r\nok", Fault::http, End::cut},
};

const std::vector<std::size_t> kPieces = {std::string_view::npos, 1, 2, 3, 7, 1000};

}  // namespace

TEST_CASE("responses that are read, however they are cut") {
  for (const auto& row : kGood) {
    for (const auto piece : kPieces) {
      INFO(row.name, ", pieces of ", piece);
      const auto parser = parse(row.bytes, row.end, piece);
      REQUIRE(parser.state() == State::complete);
      CHECK(parser.status() == row.status);
      CHECK(parser.media_type() == row.media_type);
      CHECK(parser.body() == row.body);
    }
  }
}

TEST_CASE("responses that are refused, however they are cut") {
  for (const auto& row : kBad) {
    std::string text;
    for (const auto piece : kPieces) {
      INFO(row.name, ", pieces of ", piece);
      const auto parser = parse(row.bytes, row.end, piece);
      REQUIRE(parser.state() == State::failed);
      CHECK(parser.error().fault == row.fault);
      CHECK(parser.body().empty());
      if (text.empty()) text = parser.error().text;
      CHECK(parser.error().text == text);
    }
  }
}

TEST_CASE("a response without its last byte is not complete") {
  for (const auto& row : kGood) {
    if (row.end != End::open || row.status != 200 || row.bytes.ends_with("garbage")) continue;
    INFO(row.name);
    const auto all_but_one = std::string_view(row.bytes).substr(0, row.bytes.size() - 1);
    CHECK(parse(all_but_one).state() == State::need_more);
    CHECK(parse(all_but_one, End::clean).state() == State::failed);
  }
}

TEST_CASE("limits are exact") {
  using P = HttpResponseParser;
  const auto field = [](std::size_t line) { return "X: " + std::string(line - 5, 'x') + "\r\n"; };

  SUBCASE("status line") {
    const auto line = [](std::size_t n) {
      return "HTTP/1.1 404 " + std::string(n - 15, 'x') + "\r\n";
    };
    CHECK(parse(line(P::kMaxLine) + "\r\n").state() == State::complete);
    CHECK(parse(line(P::kMaxLine + 1) + "\r\n").state() == State::failed);
  }
  SUBCASE("field") {
    const std::string status = "HTTP/1.1 404 \r\n";
    CHECK(parse(status + field(P::kMaxFieldLine) + "\r\n").state() == State::complete);
    CHECK(parse(status + field(P::kMaxFieldLine + 1) + "\r\n").state() == State::failed);
  }
  SUBCASE("header section") {
    const std::string status = "HTTP/1.1 404 \r\n";
    const auto two = field(8000) + field(8000);
    const auto rest = P::kMaxHeader - status.size() - two.size() - 2;
    CHECK(parse(status + two + field(rest) + "\r\n").state() == State::complete);
    CHECK(parse(status + two + field(rest + 1) + "\r\n").state() == State::failed);
  }
  SUBCASE("chunk-size line") {
    const auto start = kOk + "Transfer-Encoding: chunked\r\n\r\n";
    const auto line = [](std::size_t n) { return "0;" + std::string(n - 4, 'x') + "\r\n"; };
    CHECK(parse(start + line(P::kMaxLine) + "\r\n").state() == State::complete);
    CHECK(parse(start + line(P::kMaxLine + 1) + "\r\n").state() == State::failed);
  }
}

TEST_CASE("A-1 an endless body costs no more memory than the limit") {
  auto parser = parse(kOk + "\r\n");
  const std::string piece(1000, 'x');
  std::size_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    parser.feed(piece);
    most = std::max(most, parser.body().capacity());
  }
  CHECK(parser.state() == State::failed);
  CHECK(most <= 2 * HttpResponseParser::kMaxBody);
}

TEST_CASE("the outcome stays") {
  auto complete = parse(kOk + "Content-Length: 2\r\n\r\nok");
  CHECK(complete.feed("more") == State::complete);
  CHECK(complete.eof(false) == State::complete);
  CHECK(complete.body() == "ok");

  auto failed = parse("nonsense\r\n");
  const auto text = failed.error().text;
  CHECK(failed.feed(kOk) == State::failed);
  CHECK(failed.eof(true) == State::failed);
  CHECK(failed.error().text == text);
}
