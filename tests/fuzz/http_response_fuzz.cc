// However a response is cut into pieces, its outcome is the same, and no body passes the limit.

#include "net/http_response.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

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

}  // namespace

// The first bytes say how to cut the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kCuts = 4;
  if (size < kCuts) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kCuts, size - kCuts);

  HttpResponseParser whole;
  whole.feed(bytes);
  require_limits(whole);

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
