// However a response is cut into pieces, its outcome is the same, and no body passes the limit. An
// empty line before it and a fold in its first field change nothing.

#include "net/http_response.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using tlspolicyd::base::Fault;
using tlspolicyd::net::HttpResponseParser;

void require(bool ok) {
  if (!ok) std::abort();
}

void require_limits(const HttpResponseParser& parser) {
  require(parser.body().size() <= HttpResponseParser::kMaxBody);
  require(parser.media_type().size() <= HttpResponseParser::kMaxFieldLine);
}

void require_same(const HttpResponseParser& a, const HttpResponseParser& b) {
  require(a.state() == b.state());
  if (a.state() == HttpResponseParser::State::failed) {
    require(a.error() == b.error());
  } else {
    require(a.body() == b.body());
  }
  if (a.state() == HttpResponseParser::State::complete)
    require(a.status() == b.status() && a.media_type() == b.media_type());
}

bool is_too_large(const HttpResponseParser& parser) {
  return parser.state() == HttpResponseParser::State::failed &&
         parser.error().fault == Fault::too_large;
}

/// The response with its first field's value on a line of its own; unchanged if it has none.
std::string folded(std::string_view response) {
  std::string text(response);
  const auto line = text.find('\n');
  const auto value = text.find(": ");
  const auto empty = std::min(text.find("\n\n"), text.find("\n\r\n"));
  if (value == std::string::npos || text.find('\n', value) == std::string::npos) return text;
  if (text.starts_with("HTTP/") && line < value && value < empty)
    text.replace(value + 1, 1, "\r\n ");
  return text;
}

/// `changed` is the response in another form, which may cost more of a limit and fail in other
/// words.
void require_same_form(const HttpResponseParser& whole, std::string_view changed) {
  HttpResponseParser parser;
  parser.feed(changed);
  require_limits(parser);
  if (is_too_large(whole) || is_too_large(parser)) return;
  require(whole.state() == parser.state());
  if (whole.state() != HttpResponseParser::State::failed) require_same(whole, parser);
}

}  // namespace

// The first bytes say how to cut the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kCuts = 4;
  if (size < kCuts) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kCuts, size - kCuts);

  HttpResponseParser whole;
  whole.feed(bytes);
  require_limits(whole);
  require_same_form(whole, "\r\n" + std::string(bytes));
  require_same_form(whole, folded(bytes));

  HttpResponseParser pieces;
  std::size_t next = 0;
  for (auto rest = bytes; !rest.empty();) {
    const std::size_t piece = std::min<std::size_t>(data[next++ % kCuts] % 32 + 1, rest.size());
    pieces.feed(rest.substr(0, piece));
    rest.remove_prefix(piece);
    require_limits(pieces);
  }
  require_same(whole, pieces);

  const bool clean = data[0] % 2 == 0;
  whole.eof(clean);
  pieces.eof(clean);
  require(whole.state() != HttpResponseParser::State::need_more);
  require_same(whole, pieces);
  return 0;
}
