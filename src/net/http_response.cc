#include "net/http_response.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace tlspolicyd::net {
namespace {

using base::Fault;

constexpr std::string_view kVersionStart = "HTTP/1.";

// tchar, RFC 9110 5.6.2
bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return base::is_alnum(c) || kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// What field values, reason phrases and chunk extensions may hold: HTAB, SP, VCHAR, obs-text.
bool is_field_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return base::is_ctl(c) && c != '\t'; });
}

bool is_same(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return base::to_lower(a) == b; });
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && base::is_wsp(text.front())) text.remove_prefix(1);
  while (!text.empty() && base::is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

int hex_value(char c) {
  if (base::is_digit(c)) return c - '0';
  c = base::to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Saturates: everything beyond the body's limit is as good as that.
std::uint64_t append_digit(std::uint64_t number, unsigned base, int digit) {
  constexpr std::uint64_t kEnough = HttpResponseParser::kMaxBody + 1;
  return std::min(number * base + static_cast<unsigned>(digit), kEnough);
}

}  // namespace

HttpResponseParser::State HttpResponseParser::state() const {
  if (error_) return State::failed;
  return part_ == Part::complete ? State::complete : State::need_more;
}

HttpResponseParser::State HttpResponseParser::feed(std::string_view bytes) {
  while (!bytes.empty() && state() == State::need_more)
    bytes.remove_prefix(is_in_lines() ? take_line(bytes) : take_body_bytes(bytes));
  return state();
}

HttpResponseParser::State HttpResponseParser::eof(bool clean) {
  if (state() != State::need_more) return state();
  if (part_ == Part::body_until_close && clean) {
    part_ = Part::complete;
  } else {
    fail(header_bytes_ == 0 ? "connection closed without a response" : "response ended early");
  }
  return state();
}

bool HttpResponseParser::is_in_lines() const {
  return part_ != Part::body_of_known_length && part_ != Part::body_until_close &&
         part_ != Part::chunk_data;
}

// Every check of this function comes to the same end wherever the bytes are cut.
std::size_t HttpResponseParser::take_line(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const bool is_whole = end != std::string_view::npos;
  const auto size = is_whole ? end + 1 : bytes.size();

  const bool is_framing = part_ == Part::chunk_size || part_ == Part::chunk_end;
  auto& spent = is_framing ? framing_bytes_ : header_bytes_;
  const auto budget = (is_framing ? kMaxChunkFraming : kMaxHeader) - spent;
  const auto room = std::min(line_limit() - line_.size(), budget);
  const auto taken = bytes.substr(0, std::min(size, room));
  line_ += taken;
  spent += taken.size();

  if (part_ == Part::status_line) {
    const auto start = std::string_view(line_).substr(0, kVersionStart.size());
    if (!kVersionStart.starts_with(start)) {
      fail("not an HTTP/1.1 response");
      return size;
    }
  }
  if (size > room) {
    if (part_ == Part::chunk_end && room < budget) {
      fail("chunk is longer than its size");
    } else {
      fail(is_framing ? "chunk framing is too long" : "header is too long", Fault::too_large);
    }
    return size;
  }
  if (is_whole) end_of_line();
  return size;
}

std::size_t HttpResponseParser::line_limit() const {
  switch (part_) {
    case Part::fields:
    case Part::trailers: return kMaxFieldLine;
    case Part::chunk_end: return 2;
    default: return kMaxLine;
  }
}

void HttpResponseParser::end_of_line() {
  const auto whole = std::move(line_);
  line_.clear();
  if (!whole.ends_with("\r\n")) return fail("line ends with a bare LF");
  const auto line = std::string_view(whole).substr(0, whole.size() - 2);
  switch (part_) {
    case Part::status_line: return status_line(line);
    case Part::fields:
    case Part::trailers: return field_line(line);
    case Part::chunk_size: return chunk_size_line(line);
    default: break;
  }
  part_ = Part::chunk_size;  // after chunk_end, whose limit lets nothing but CRLF through
}

// RFC 9112 section 4: HTTP-version SP status-code SP [ reason-phrase ]
void HttpResponseParser::status_line(std::string_view line) {
  constexpr std::size_t kCode = 9;
  constexpr std::size_t kReason = 13;
  const auto code = line.substr(std::min(kCode, line.size()), 3);
  const bool is_well_formed = line.size() >= kReason && (line[7] == '0' || line[7] == '1') &&
                              line[kCode - 1] == ' ' && line[kReason - 1] == ' ' &&
                              code[0] >= '1' && code[0] <= '5' && base::is_digit(code[1]) &&
                              base::is_digit(code[2]) && is_field_text(line.substr(kReason));
  if (!is_well_formed) return fail("malformed status line");
  is_http_1_0_ = line[7] == '0';
  status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  if (status_ == 101) return fail("the server switches protocols unasked");
  if (status_ < 200 && ++interim_ > kMaxInterim) return fail("too many interim responses");
  part_ = Part::fields;
}

// RFC 9112 section 5: field-name ":" OWS field-value OWS
void HttpResponseParser::field_line(std::string_view line) {
  if (line.empty()) return end_of_header();
  if (base::is_wsp(line.front())) return fail("folded header field");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return fail("header field without a colon");
  const auto name = line.substr(0, colon);
  const auto value = without_blanks(line.substr(colon + 1));
  if (!is_token(name)) return fail("malformed header field name");
  if (!is_field_text(value)) return fail("control character in a header field");
  if (part_ == Part::fields && status_ == 200) known_field(name, value);
}

void HttpResponseParser::known_field(std::string_view name, std::string_view value) {
  if (is_same(name, "content-type")) {
    if (std::exchange(has_media_type_, true)) return fail("two Content-Type fields");
    media_type_ = value;
  } else if (is_same(name, "content-length")) {
    content_length(value);
  } else if (is_same(name, "transfer-encoding")) {
    if (std::exchange(has_transfer_coding_, true)) return fail("two Transfer-Encoding fields");
    is_chunked_ = is_same(value, "chunked");
  } else if (is_same(name, "content-encoding")) {
    is_encoded_ = is_encoded_ || !is_same(value, "identity");
  }
}

void HttpResponseParser::content_length(std::string_view value) {
  if (std::exchange(has_length_, true)) return fail("two Content-Length fields");
  if (value.empty() || !std::all_of(value.begin(), value.end(), base::is_digit))
    return fail("malformed Content-Length");
  for (char c : value) remaining_ = append_digit(remaining_, 10, c - '0');
  if (remaining_ > kMaxBody) fail("body is too long", Fault::too_large);
}

void HttpResponseParser::end_of_header() {
  if (part_ == Part::trailers) {
    part_ = Part::complete;
  } else if (status_ < 200) {
    part_ = Part::status_line;
  } else if (status_ != 200) {
    part_ = Part::complete;
  } else {
    begin_body();
  }
}

// RFC 9112 section 6.3, and what it only warns of
void HttpResponseParser::begin_body() {
  if (is_encoded_) return fail("Content-Encoding, which was not asked for");
  if (has_transfer_coding_ && has_length_) return fail("both Content-Length and Transfer-Encoding");
  if (has_transfer_coding_ && !is_chunked_) return fail("unknown transfer coding");
  if (has_transfer_coding_ && is_http_1_0_) return fail("Transfer-Encoding in HTTP/1.0");
  if (is_chunked_) {
    part_ = Part::chunk_size;
  } else if (has_length_) {
    part_ = remaining_ == 0 ? Part::complete : Part::body_of_known_length;
  } else {
    part_ = Part::body_until_close;
  }
}

std::size_t HttpResponseParser::take_body_bytes(std::string_view bytes) {
  if (part_ == Part::body_until_close) {
    if (bytes.size() > kMaxBody - body_.size()) {
      fail("body is too long", Fault::too_large);
    } else {
      body_ += bytes;
    }
    return bytes.size();
  }
  const auto taken = bytes.substr(0, remaining_);
  body_ += taken;
  remaining_ -= taken.size();
  if (remaining_ == 0) part_ = part_ == Part::chunk_data ? Part::chunk_end : Part::complete;
  return taken.size();
}

// RFC 9112 section 7.1: chunk-size [ chunk-ext ]; extensions are skipped
void HttpResponseParser::chunk_size_line(std::string_view line) {
  std::size_t digits = 0;
  remaining_ = 0;
  for (; digits < line.size() && hex_value(line[digits]) >= 0; ++digits)
    remaining_ = append_digit(remaining_, 16, hex_value(line[digits]));
  const auto extension = line.substr(digits);
  const auto is_extension = without_blanks(extension).starts_with(';') && is_field_text(extension);
  if (digits == 0 || !(extension.empty() || is_extension)) return fail("malformed chunk size");
  if (remaining_ > kMaxBody - body_.size()) return fail("body is too long", Fault::too_large);
  part_ = remaining_ == 0 ? Part::trailers : Part::chunk_data;
}

void HttpResponseParser::fail(std::string_view text, Fault fault) {
  body_.clear();
  error_ = base::Error{fault, std::string(text)};
}

}  // namespace tlspolicyd::net
