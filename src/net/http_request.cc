#include "net/http_request.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/address.h"
#include "base/ascii.h"
#include "base/number.h"

namespace tlspolicyd::net {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEndOfHeader = "\r\n\r\n";

/// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos;
  });
}

bool is_called(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return base::to_lower(a) == b; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && base::is_wsp(text.front())) text.remove_prefix(1);
  while (!text.empty() && base::is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

bool has_bare_line_feed(std::string_view text) {
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (at == 0 || text[at - 1] != '\r') return true;
  return false;
}

std::optional<unsigned> hex_digit(char c) {
  if (base::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = base::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

/// The host of "host", "host:port" or "[IPv6]:port" (RFC 3986 3.2.2), without brackets; nothing if
/// it is not well written.
std::optional<std::string_view> host_of(std::string_view value) {
  const bool bracketed = value.starts_with('[');
  const auto end = bracketed ? value.find(']') : std::min(value.find(':'), value.size());
  if (end == std::string_view::npos) return std::nullopt;
  const auto host = bracketed ? value.substr(1, end - 1) : value.substr(0, end);
  const auto rest = value.substr(bracketed ? end + 1 : end);
  const std::string_view others = bracketed ? ":.-_~%" : ".-_~%!$&'()*+,;=";
  const auto is_host_octet = [others](char c) {
    return base::is_alnum(c) || others.find(c) != std::string_view::npos;
  };
  if (!std::all_of(host.begin(), host.end(), is_host_octet)) return std::nullopt;
  if (!rest.empty() &&
      (rest.front() != ':' || !std::all_of(rest.begin() + 1, rest.end(), base::is_digit)))
    return std::nullopt;
  return host;
}

/// Of a part of the query, as forms write it.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at] == '+' ? ' ' : text[at];
    if (c == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const auto high = hex_digit(text[at + 1]);
      const auto low = hex_digit(text[at + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      at += 2;
    }
    if (base::is_ctl(c)) return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace

bool HttpRequest::is_for_address() const {
  std::string_view name = host;
  if (name.ends_with('.')) name.remove_suffix(1);
  return name.empty() || is_called(name, "localhost") || base::Address::parse(name).ok();
}

HttpRequestParser::State HttpRequestParser::feed(std::string_view bytes) {
  if (state_ != State::need_more) return state_;
  const std::size_t most = in_body_ ? kMaxBody : kMaxHeader + kEndOfHeader.size() + kMaxBody;
  buffer_ += bytes.substr(0, most + 1 - std::min(buffer_.size(), most));
  if (!in_body_) read_header();
  if (in_body_ && state_ == State::need_more) read_body();
  return state_;
}

void HttpRequestParser::read_header() {
  const auto end = buffer_.find(kEndOfHeader);
  const std::string_view all = buffer_;
  // Before its end is seen: a client that ends its lines otherwise would be waited for in vain.
  if (has_bare_line_feed(all.substr(0, std::min(end, kMaxHeader)))) {
    refuse(400, "lines end with CR LF");
    return;
  }
  const bool seen = end != std::string::npos;
  if (seen ? end > kMaxHeader : all.size() >= kMaxHeader + kEndOfHeader.size()) {
    refuse(431, "the header is too long");
    return;
  }
  if (!seen) return;
  auto header = all.substr(0, end + kEndOfLine.size());
  bool first = true;
  while (!header.empty()) {
    const auto line = header.substr(0, header.find(kEndOfLine));
    header.remove_prefix(line.size() + kEndOfLine.size());
    if (!(first ? request_line(line) : field_line(line))) return;
    first = false;
  }
  if (needs_host_ && !has_host_) {
    refuse(400, "HTTP/1.1 needs a Host field");
    return;
  }
  buffer_.erase(0, end + kEndOfHeader.size());
  in_body_ = true;
}

void HttpRequestParser::read_body() {
  if (buffer_.size() < length_) return;
  request_.body = buffer_.substr(0, length_);
  buffer_.clear();
  state_ = State::complete;
}

bool HttpRequestParser::request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(400, "METHOD TARGET HTTP/1.1 is expected");
  const auto method = line.substr(0, first);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, "the method is no token");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return version.starts_with("HTTP/") ? refuse(505, "HTTP/1.1 and HTTP/1.0 are served")
                                        : refuse(400, "METHOD TARGET HTTP/1.1 is expected");
  if (method != "GET" && method != "POST") return refuse(405, "GET and POST are served");
  request_.method = method;
  needs_host_ = version == "HTTP/1.1";
  return target(line.substr(first + 1, last - first - 1));
}

bool HttpRequestParser::target(std::string_view text) {
  if (!text.starts_with('/') || !std::all_of(text.begin(), text.end(), base::is_vchar) ||
      text.find('#') != std::string_view::npos)
    return refuse(400, "the target is no path");
  const auto mark = text.find('?');
  request_.path = text.substr(0, mark);
  return mark == std::string_view::npos || query(text.substr(mark + 1));
}

bool HttpRequestParser::query(std::string_view text) {
  while (!text.empty()) {
    const auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    const auto mark = std::min(part.find('='), part.size());
    const auto name = decoded(part.substr(0, mark));
    const auto value = decoded(part.substr(std::min(mark + 1, part.size())));
    if (!name || !value) return refuse(400, "the query is not well written");
    if (request_.query.size() >= kMaxParameters) return refuse(400, "too many parameters");
    if (!request_.query.emplace(*name, *value).second)
      return refuse(400, "a parameter is given twice");
  }
  return true;
}

bool HttpRequestParser::field_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return refuse(400, "a header field is not well written");
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return base::is_ctl(c) && !base::is_wsp(c); }))
    return refuse(400, "a header field has control characters");
  if (is_called(name, "content-length")) return content_length(value);
  if (is_called(name, "transfer-encoding")) return refuse(501, "no transfer coding is served");
  if (is_called(name, "expect")) return refuse(417, "no expectation is met");
  if (is_called(name, "host")) return host(value);
  constexpr std::string_view kFetchMetadata = "sec-fetch-";
  if (is_called(name, "origin") || is_called(name.substr(0, kFetchMetadata.size()), kFetchMetadata))
    request_.from_page = true;
  return true;
}

bool HttpRequestParser::host(std::string_view value) {
  const auto name = host_of(value);
  if (!name || std::exchange(has_host_, true)) return refuse(400, "one valid Host is expected");
  request_.host = *name;
  return true;
}

bool HttpRequestParser::content_length(std::string_view value) {
  const auto length = base::parse_number(value, 0, UINT64_MAX);
  if (!length || std::exchange(has_length_, true))
    return refuse(400, "one Content-Length is expected");
  if (*length > kMaxBody) return refuse(413, "the body is too long");
  length_ = *length;
  return true;
}

bool HttpRequestParser::refuse(int status, std::string_view why) {
  state_ = State::refused;
  status_ = status;
  why_ = why;
  buffer_.clear();
  return false;
}

}  // namespace tlspolicyd::net
