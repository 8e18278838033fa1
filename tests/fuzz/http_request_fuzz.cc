#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http_request.h"

using tlspolicyd::net::HttpRequestParser;
using State = HttpRequestParser::State;

/// A request is read the same whole and in single bytes; what is read is bounded and has no control
/// characters but in its body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HttpRequestParser whole;
  whole.feed(bytes);
  HttpRequestParser pieces;
  for (std::size_t at = 0; at < size; ++at) pieces.feed(bytes.substr(at, 1));
  if (whole.state() != pieces.state()) std::abort();
  if (whole.state() == State::refused) {
    if (whole.status() != pieces.status() || whole.why() != pieces.why()) std::abort();
    if (whole.status() < 400 || whole.status() > 599) std::abort();
    return 0;
  }
  if (whole.state() != State::complete) return 0;
  const auto& request = whole.request();
  const auto& other = pieces.request();
  if (request.method != other.method || request.path != other.path ||
      request.query != other.query || request.body != other.body ||
      request.from_page != other.from_page || request.host != other.host)
    std::abort();
  if (request.method != "GET" && request.method != "POST") std::abort();
  if (!request.path.starts_with('/') || request.body.size() > HttpRequestParser::kMaxBody ||
      request.query.size() > HttpRequestParser::kMaxParameters)
    std::abort();
  for (const char c : request.host)
    if (c <= 0x20 || c >= 0x7f || c == '/' || c == '@') std::abort();
  for (const auto& [name, value] : request.query)
    for (const char c : name + value)
      if ((c >= 0 && c < 0x20) || c == 0x7f) std::abort();
  return 0;
}
