// The forms of a response that real servers send, and their neighbors that stay refused (decision
// 25: strict about substance, lenient about form).

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "net/http_response.h"

using tlspolicyd::base::Fault;
using tlspolicyd::net::HttpResponseParser;
using State = HttpResponseParser::State;

namespace {

using namespace std::string_literals;

const auto kStatus = "HTTP/1.1 200 OK\r\n"s;
const auto kType = "Content-Type: text/plain\r\n"s;
const auto kLength = "Content-Length: 2\r\n"s;
/// Everything but the field that a row is about.
const auto kRest = kType + kLength + "\r\nok";
const auto kChunked = kStatus + kType + "Transfer-Encoding: chunked\r\n\r\n";
const auto kChunks = "2\r\nok\r\n0\r\n\r\n"s;

/// `taken`: the body is "ok". `refused`: Fault::http. `too_large`: Fault::too_large.
enum class Verdict { taken, refused, too_large };
using enum Verdict;

/// How the peer ended the connection after the bytes.
enum class End { open, clean, cut };

struct Form {
  std::string name;
  std::string bytes;
  Verdict verdict;
  std::string media_type = "text/plain";
  End end = End::open;
};

std::string repeated(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

/// A response with one further field, or several.
std::string with(std::string_view field) { return kStatus + std::string(field) + "\r\n" + kRest; }

/// The header of a response that `field` frames.
std::string framed_by(std::string_view field) {
  return kStatus + kType + std::string(field) + "\r\n\r\n";
}

const Form kForms[] = {
    // Line ends (RFC 9112 2.2)
    {"D1 LF alone everywhere", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 2\n\nok",
     taken},
    {"D1 LF alone in the header, CRLF at its end",
     "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 2\n\r\nok", taken},
    {"D1 LF alone at the end of the header", kStatus + kType + kLength + "\nok", taken},
    {"D1 LF alone in chunks",
     "HTTP/1.1 200 OK\nContent-Type: text/plain\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n",
     taken},
    {"D1 LF alone, the body ends with the connection",
     "HTTP/1.1 200 OK\nContent-Type: text/plain\n\nok", taken, "text/plain", End::clean},
    {"the same without close_notify", "HTTP/1.1 200 OK\nContent-Type: text/plain\n\nok", refused,
     "", End::cut},
    {"CR alone ends no line", "HTTP/1.1 200 OK\rContent-Length: 2\r\rok\n", refused},
    {"CR CR LF", "HTTP/1.1 200 OK\r\r\n" + kRest, refused},
    {"CR CR LF after a field", with("X: a\r"), refused},
    {"CR CR LF after a chunk", kChunked + "2\r\nok\r\r\n0\r\n\r\n", refused},

    // Folds (RFC 9112 5.2: MUST)
    {"F6 Content-Security-Policy over several lines in nginx.conf",
     with("Content-Security-Policy: default-src 'none';\n    script-src 'self';\n    "
          "frame-ancestors 'none';"),
     taken},
    {"F6 folded by CRLF SP", with("X: a\r\n b"), taken},
    {"F6 folded by CRLF HTAB", with("X: a\r\n\tb\r\n\tc"), taken},
    {"F6 folded after an empty value", with("X:\r\n b"), taken},
    {"F6 a fold that looks like a field", with("X: a\r\n Content-Length: 9"), taken},
    {"F6 a fold of blanks alone", with("X: a\r\n \t\r\n b"), taken},
    {"F6 folded Content-Type",
     kStatus + "Content-Type: text/plain;\r\n\tcharset=utf-8\r\n" + kLength + "\r\nok", taken,
     "text/plain; charset=utf-8"},
    {"F6 Content-Type folded before its value",
     kStatus + "Content-Type:\r\n text/plain\r\n" + kLength + "\r\nok", taken},
    {"F6 folded Content-Length", framed_by("Content-Length:\r\n 2") + "ok", taken},
    {"F6 folded before the colon", framed_by("Content-Length\r\n : 2") + "ok", taken},
    {"F6 folded list of lengths", framed_by("Content-Length: 2,\r\n 2") + "ok", taken},
    {"F6 folded Transfer-Encoding", framed_by("Transfer-Encoding:\r\n chunked") + kChunks, taken},
    {"F6 folded trailer", kChunked + "2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n", taken},
    {"F6 folded field of an interim response",
     "HTTP/1.1 103 Early Hints\r\nLink: a,\r\n b\r\n\r\n" + kStatus + kRest, taken},
    {"a fold after the status line continues nothing (RFC 9112 2.2)", kStatus + " X: a\r\n" + kRest,
     taken},
    {"a folded digit is none of the length", framed_by("Content-Length: 2\r\n 0") + "ok", refused},
    {"a folded length that differs", framed_by("Content-Length: 2,\r\n 3") + "ok", refused},
    {"a folded coding that is unknown", framed_by("Transfer-Encoding: chunked,\r\n gzip"), refused},
    {"A-2 a folded Content-Encoding", with("Content-Encoding:\r\n gzip"), refused},
    {"NUL in a fold", with("X: a\r\n b\0"s), refused},
    {"ESC in a fold", with("X: a\n \x1b[2J"), refused},
    {"CR in a fold", with("X: a\r\n b\rc"), refused},
    {"NUL in a skipped fold", kStatus + " \0\r\n"s + kRest, refused},
    {"A-3 endless folds", kStatus + "X: a\r\n" + repeated(200'000, " b\r\n"), too_large},
    {"A-3 endless folds of blanks alone", kStatus + "X: a\r\n" + repeated(200'000, " \n"),
     too_large},
    {"A-3 one endless fold", kStatus + "X: a\r\n " + std::string(1'000'000, 'b'), too_large},
    {"A-3 endless folds that continue nothing", kStatus + repeated(200'000, " b\r\n"), too_large},
    {"A-3 endless folds of a trailer", kChunked + "0\r\nX: a\r\n" + repeated(200'000, "\tb\n"),
     too_large},
    {"folds count for the field's limit",
     with("X: " + std::string(5000, 'a') + "\r\n " + std::string(4000, 'b')), too_large},

    // Status line (RFC 9112 4: may be parsed on word boundaries)
    {"F5 no reason and no blank", "HTTP/1.1 200\r\n" + kRest, taken},
    {"F5 the same with LF alone", "HTTP/1.1 200\n" + kRest, taken},
    {"F5 no reason", "HTTP/1.1 200 \r\n" + kRest, taken},
    {"F5 HTTP/1.0 without reason", "HTTP/1.0 200\r\n" + kRest, taken},
    {"F5 interim response without reason", "HTTP/1.1 100\r\n\r\n" + kStatus + kRest, taken},
    {"two blanks", "HTTP/1.1  200  OK\r\n" + kRest, taken},
    {"tabs", "HTTP/1.1\t200\tOK\r\n" + kRest, taken},
    {"an empty line before", "\r\n" + kStatus + kRest, taken},
    {"empty lines before", "\n\r\n\n" + kStatus + kRest, taken},
    {"an empty line too many after an interim response",
     "HTTP/1.1 100 Continue\r\n\r\n\r\n" + kStatus + kRest, taken},
    {"no blank before the reason", "HTTP/1.1 200OK\r\n" + kRest, refused},
    {"A-22 HTTP/0.9 after empty lines", "\r\n\r\nversion: STSv1\r\n", refused},
    {"CR before", "\rHTTP/1.1 200 OK\r\n" + kRest, refused},
    {"blanks before: no server and no other client", "  " + kStatus + kRest, refused},
    {"lower case: no server and no other client", "http/1.1 200 OK\r\n" + kRest, refused},
    {"NUL in the reason", "HTTP/1.1 200 \0\r\n"s + kRest, refused},
    {"A-3 endless empty lines before", repeated(200'000, "\r\n"), too_large},
    {"A-3 endless LF before", std::string(200'000, '\n'), too_large},
    {"A-3 endless blanks in the status line", "HTTP/1.1" + std::string(200'000, ' '), too_large},
    {"A-3 endless interim responses", repeated(200'000, "HTTP/1.1 100\n\n"), refused},
    {"A-3 endless empty lines after interim responses",
     repeated(10, "HTTP/1.1 100\n\n" + std::string(2000, '\n')), too_large},

    // Header fields
    {"F3 the same Content-Type twice (nginx: mime type and add_header)",
     with("Content-Type: text/plain"), taken},
    {"F3 of two Content-Type the last counts (RFC 9110 8.3)", with("Content-Type: text/html"),
     taken},
    {"F3 and so if it is the wrong one",
     kStatus + kType + "Content-Type: text/html\r\n" + kLength + "\r\nok", taken, "text/html"},
    {"F3 an empty one does not count", kStatus + kType + "Content-Type:\r\n" + kLength + "\r\nok",
     taken},
    {"F3 one list of both",
     kStatus + "Content-Type: text/plain, text/plain\r\n" + kLength + "\r\nok", taken,
     "text/plain, text/plain"},
    {"F7 blank before the colon of a field that nobody reads", with("X-Powered-By : Java"), taken},
    {"F7 tab before the colon", with("X-Powered-By\t: Java"), taken},
    // It is the same field (RFC 9112 5.1 tells proxies to remove the blanks). To read the value is
    // safer than to skip a field that frames or codes the body.
    {"F7 blank before the colon of Content-Type",
     kStatus + "Content-Type : text/plain\r\n" + kLength + "\r\nok", taken},
    {"F7 blank before the colon of Content-Length", framed_by("Content-Length : 2") + "ok", taken},
    {"F7 blank before the colon of Transfer-Encoding",
     framed_by("Transfer-Encoding \t: chunked") + kChunks, taken},
    {"A-2 blank before the colon of Content-Encoding", with("Content-Encoding : gzip"), refused},
    {"blank before the colon of a length that differs", with("Content-Length : 3"), refused},
    {"blank before the colon of an unknown coding", framed_by("Transfer-Encoding : gzip"), refused},
    {"a line without a colon", with("HTTP/1.1 200 OK"), taken},
    {"an empty name", with(": x"), taken},
    {"a name that is no token", with("X (Y) \"Z\"/\xc3\xa4: x"), taken},
    {"obs-text in a value", with("X: \xe4"), taken},
    {"NUL in a name", with("X\0: y"s), refused},
    {"NUL in a line without a colon", with("X\0"s), refused},
    {"DEL in a line without a colon", with("X\x7f"), refused},
    {"A-3 header flood with LF alone", kStatus + repeated(200'000, "X:y\n"), too_large},
    {"A-3 endless lines without a colon", kStatus + repeated(200'000, "x\n"), too_large},

    // Length (RFC 9112 6.3)
    {"F7 the same length twice", with("Content-Length: 2"), taken},
    {"F7 a list of the same lengths", framed_by("Content-Length: 2, 2") + "ok", taken},
    {"F7 the same number", with("Content-Length: 02"), taken},
    {"an empty length is none", kStatus + kType + "Content-Length:\r\n\r\nok", taken, "text/plain",
     End::clean},
    {"and so without close_notify", kStatus + kType + "Content-Length:\r\n\r\nok", refused, "",
     End::cut},
    {"different lengths", with("Content-Length: 3"), refused},
    {"different lengths in a list", framed_by("Content-Length: 2, 3") + "ok!", refused},
    {"different lengths, the first one empty", with("Content-Length: ,3"), refused},
    {"different lengths beyond the limit", with("Content-Length: 99999999999999999999"), refused},
    {"a length that is no number in a list", framed_by("Content-Length: 2, x") + "ok", refused},
    {"two numbers", framed_by("Content-Length: 2 2") + "ok", refused},
    {"parameter", framed_by("Content-Length: 2;x") + "ok", refused},
    {"an equal length twice, and truncated", kStatus + kType + kLength + kLength + "\r\no", refused,
     "", End::clean},
    {"A-1 10 GB twice", framed_by("Content-Length: 10737418240\r\nContent-Length: 10737418240"),
     too_large},
    {"A-1 more than the limit, once by LF", "HTTP/1.1 200\nContent-Length: 65537\n\n", too_large},

    // Transfer codings (RFC 9112 6.1, 7)
    {"F7 length beside chunked",
     framed_by("Content-Length: 92\r\nTransfer-Encoding: chunked") + kChunks, taken},
    {"F7 chunked beside length",
     framed_by("Transfer-Encoding: chunked\r\nContent-Length: 0") + kChunks, taken},
    {"F7 a length of -1 beside chunked",
     framed_by("Content-Length: -1\r\nTransfer-Encoding: chunked") + kChunks, taken},
    {"F7 a length over the limit beside chunked",
     framed_by("Content-Length: 99999999\r\nTransfer-Encoding: chunked") + kChunks, taken},
    {"F7 chunked twice",
     framed_by("Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked") + kChunks, taken},
    {"F7 chunked twice in a list", framed_by("Transfer-Encoding: chunked, chunked") + kChunks,
     taken},
    {"identity beside chunked (RFC 2616)",
     framed_by("Transfer-Encoding: identity, chunked") + kChunks, taken},
    {"identity beside a length", with("Transfer-Encoding: identity"), taken},
    {"an empty list of codings", with("Transfer-Encoding:"), taken},
    // RFC 9112 6.1 only asks that the connection ends after it, and there it always does.
    {"chunked in HTTP/1.0",
     "HTTP/1.0 200 OK\r\n" + kType + "Transfer-Encoding: chunked\r\n\r\n" + kChunks, taken},
    {"Content-Encoding identity, twice",
     with("Content-Encoding: identity\r\nContent-Encoding: IDENTITY"), taken},
    {"Content-Encoding without a value", with("Content-Encoding:"), taken},
    {"length beside chunked, and no chunks", with("Transfer-Encoding: chunked"), refused, "",
     End::clean},
    {"different lengths beside chunked",
     framed_by("Content-Length: 2\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"), refused},
    {"an unknown coding beside a length", with("Transfer-Encoding: gzip"), refused},
    {"an unknown coding in a second field",
     framed_by("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"), refused},
    {"a coding with a parameter", framed_by("Transfer-Encoding: chunked;q=1"), refused},
    {"A-2 gzip after identity", with("Content-Encoding: identity\r\nContent-Encoding: gzip"),
     refused},
    {"A-2 gzip beside chunked",
     framed_by("Content-Encoding: gzip\r\nTransfer-Encoding: chunked") + kChunks, refused},
    {"A-1 chunks over the limit beside a small length",
     framed_by("Content-Length: 2\r\nTransfer-Encoding: chunked") + "10001\r\n", too_large},

    // Chunks (RFC 9112 7.1)
    {"F7 blanks after the size", kChunked + "2  \r\nok\r\n0  \r\n\r\n", taken},
    {"F7 a tab and blanks after the size", kChunked + "2\t \nok\r\n0\t\r\n\r\n", taken},
    {"blanks before an extension", kChunked + "2 \t;a\r\nok\r\n0 ;\r\n\r\n", taken},
    {"extensions in every form", kChunked + "2; a = \"b;c\" ;d=e\r\nok\r\n0;;\r\n\r\n", taken},
    {"trailers of any form",
     kChunked + "2\r\nok\r\n0\r\nX : y\r\nno colon\r\nContent-Length: 9\r\n\r\n", taken},
    {"something else after the size", kChunked + "2 2\r\nok\r\n0\r\n\r\n", refused},
    {"blanks before the size: no server and no other client", kChunked + " 2\r\nok\r\n0\r\n\r\n",
     refused},
    {"a blank for the size", kChunked + " \r\nok\r\n0\r\n\r\n", refused},
    {"blanks after a chunk", kChunked + "2\r\nok \r\n0\r\n\r\n", refused},
    {"one byte more than the size", kChunked + "2\r\nok!\n0\r\n\r\n", refused},
    {"two bytes less than the size", kChunked + "4\r\nok\r\n0\r\n\r\n", refused},
    {"NUL after the size", kChunked + "2\0\r\nok\r\n0\r\n\r\n"s, refused},
    {"VT after the size", kChunked + "2\x0b\r\nok\r\n0\r\n\r\n", refused},
    {"NUL in a trailer", kChunked + "2\r\nok\r\n0\r\nX: \0\r\n\r\n"s, refused},
    {"no end after the last chunk", kChunked + "2 \nok\n0 \n", refused, "", End::clean},
    {"A-1 endless padding of a size", kChunked + "2" + std::string(1'000'000, ' '), too_large},
    {"A-1 endless padding of the last size", kChunked + "0" + std::string(1'000'000, '\t'),
     too_large},
    {"A-1 padding of every size",
     kChunked + repeated(1000, "1" + std::string(1000, ' ') + "\r\nx\r\n"), too_large},
    {"A-3 endless trailers with LF alone", kChunked + "0\n" + repeated(200'000, "x\n"), too_large},
};

HttpResponseParser parse(const std::vector<std::string_view>& pieces, End end) {
  HttpResponseParser parser;
  for (const auto piece : pieces) parser.feed(piece);
  if (end != End::open) parser.eof(end == End::clean);
  return parser;
}

std::vector<std::string_view> pieces_of(std::string_view bytes, std::size_t size) {
  std::vector<std::string_view> pieces;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
    pieces.push_back(bytes.substr(0, size));
  return pieces;
}

bool is_same(const HttpResponseParser& a, const HttpResponseParser& b) {
  if (a.state() != b.state()) return false;
  if (a.state() == State::failed) return a.error() == b.error() && b.body().empty();
  return a.status() == b.status() && a.media_type() == b.media_type() && a.body() == b.body();
}

void check_verdict(const Form& row, const HttpResponseParser& parser) {
  if (row.verdict == taken) {
    INFO((parser.state() == State::failed ? parser.error().text : std::string()));
    REQUIRE(parser.state() == State::complete);
    CHECK(parser.status() == 200);
    CHECK(parser.body() == "ok");
    CHECK(parser.media_type() == row.media_type);
    return;
  }
  REQUIRE(parser.state() == State::failed);
  CHECK(parser.error().fault == (row.verdict == too_large ? Fault::too_large : Fault::http));
  CHECK(parser.body().empty());
}

/// Long enough for every form but the endless ones.
constexpr std::size_t kShort = 1000;

}  // namespace

TEST_CASE("F3, F5, F6, F7, D1, decision 25: forms of real servers, and what stays refused") {
  for (const auto& row : kForms) {
    CAPTURE(row.name);
    check_verdict(row, parse({row.bytes}, row.end));
  }
}

TEST_CASE("D1 the outcome does not depend on the pieces") {
  for (const auto& row : kForms) {
    CAPTURE(row.name);
    const auto whole = parse({row.bytes}, row.end);
    for (const std::size_t size : {1u, 2u, 3u, 7u, 1000u})
      CHECK(is_same(whole, parse(pieces_of(row.bytes, size), row.end)));
    if (row.bytes.size() > kShort) continue;
    const auto bytes = std::string_view(row.bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      CHECK(is_same(whole, parse({bytes.substr(0, cut), bytes.substr(cut)}, row.end)));
    }
  }
}

TEST_CASE("D1 no form is complete before its last byte, nor at the connection's end before it") {
  for (const auto& row : kForms) {
    if (row.verdict != taken || row.end != End::open) continue;
    CAPTURE(row.name);
    for (std::size_t size = 0; size < row.bytes.size(); ++size) {
      CAPTURE(size);
      const auto start = std::string_view(row.bytes).substr(0, size);
      CHECK(parse({start}, End::open).state() == State::need_more);
      CHECK(parse({start}, End::clean).state() == State::failed);
      CHECK(parse({start}, End::cut).state() == State::failed);
    }
  }
}

TEST_CASE("D1 a field's limit with folds, and the header's, are exact") {
  using P = HttpResponseParser;
  const auto status = "HTTP/1.1 404\r\n"s;
  const auto folded = [&](std::size_t second) {
    return status + "X:" + std::string(4000, 'a') + "\r\n " + std::string(second, 'b') + "\r\n\r\n";
  };
  const auto fits = P::kMaxFieldLine - 4002 - 3;  // the first line, then SP CR LF
  CHECK(parse({folded(fits)}, End::open).state() == State::complete);
  CHECK(parse({folded(fits + 1)}, End::open).error().fault == Fault::too_large);

  const auto blank_lines = [&](std::size_t size) {
    return std::string(size - status.size() - 2, '\n') + status + "\r\n";
  };
  CHECK(parse({blank_lines(P::kMaxHeader)}, End::open).state() == State::complete);
  CHECK(parse({blank_lines(P::kMaxHeader + 1)}, End::open).error().fault == Fault::too_large);
}

TEST_CASE("A-1, A-3 endless forms end within their limits") {
  const auto taken_of = [](const std::string& start, std::string_view piece) {
    auto parser = parse({start}, End::open);
    std::size_t bytes = 0;
    while (parser.state() == State::need_more && bytes < 10'000'000) {
      parser.feed(piece);
      bytes += piece.size();
    }
    REQUIRE(parser.state() == State::failed);
    return bytes;
  };
  using P = HttpResponseParser;
  const auto field = kStatus + "X: a\r\n";
  CHECK(taken_of(field, " b\r\n") <= P::kMaxFieldLine * 4);
  CHECK(taken_of(field, " \n") <= P::kMaxHeader);
  CHECK(taken_of("", "\n") <= P::kMaxHeader + 1);
  CHECK(taken_of(kStatus, "x\n") <= P::kMaxHeader);
  CHECK(taken_of(kChunked + "2", " ") <= P::kMaxLine);
  CHECK(taken_of(kChunked, "1   \r\nx\r\n") <= P::kMaxChunkFraming + P::kMaxBody + 9);
  CHECK(taken_of(kChunked + "0\n", "x\n") <= P::kMaxHeader);
}
