#include "net/http_response.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace tlspolicyd::net {
namespace {

using base::Fault;

constexpr std::string_view kVersionStart = "HTTP/1.";

// What header lines and chunk-size lines may hold: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5).
bool is_field_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return base::is_ctl(c) && c != '\t'; });
}

bool is_same(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return base::to_lower(a) == b; });
}

/// Takes the first word of a line, which blanks end.
std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find_first_of(" \t"));
  line = base::trimmed(line.substr(word.size()));
  return word;
}

/// Calls `use` with each member of a comma-separated list; empty ones do not count (RFC
/// 9110 5.6.1).
template <class Use>
void for_each_member(std::string_view list, Use use) {
  while (!list.empty()) {
    const auto member = list.substr(0, list.find(','));
    list.remove_prefix(std::min(member.size() + 1, list.size()));
    if (const auto text = base::trimmed(member); !text.empty()) use(text);
  }
}

int hex_value(char c) {
  if (base::is_digit(c)) return c - '0';
  c = base::to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Empty lines may stand before a status line.
bool may_begin_response(std::string_view bytes) {
  if (bytes == "\n" || bytes == "\r" || bytes == "\r\n") return true;
  return kVersionStart.starts_with(bytes.substr(0, kVersionStart.size()));
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
  const auto limit = line_limit(line_.empty() ? bytes.front() : line_.front());
  const auto room = std::min(limit - line_.size(), budget);
  const auto taken = bytes.substr(0, std::min(size, room));
  line_ += taken;
  spent += taken.size();

  if (part_ == Part::status_line && !may_begin_response(line_)) {
    fail("not an HTTP/1.1 response");
  } else if (size > room && part_ == Part::chunk_end && room < budget) {
    fail("chunk is longer than its size");
  } else if (size > room) {
    fail(is_framing ? "chunk framing is too long" : "header is too long", Fault::too_large);
  } else if (is_whole) {
    end_of_line();
  }
  return size;
}

std::size_t HttpResponseParser::line_limit(char first) const {
  switch (part_) {
    case Part::fields:
    case Part::trailers: return kMaxFieldLine - (base::is_wsp(first) ? field_.size() : 0);
    case Part::chunk_end: return 2;
    default: return kMaxLine;
  }
}

void HttpResponseParser::end_of_line() {
  const auto whole = std::exchange(line_, {});
  auto line = std::string_view(whole);
  line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  if (!is_field_text(line)) return fail("control character in a line");
  switch (part_) {
    case Part::status_line: return status_line(line);
    case Part::chunk_size: return chunk_size_line(line);
    case Part::chunk_end: return end_of_chunk(line);
    default: return field_line(line);
  }
}

// RFC 9112 section 4, parsed on word boundaries as it allows: version, code, and a reason or none.
void HttpResponseParser::status_line(std::string_view line) {
  if (line.empty()) return;
  const auto version = take_word(line);
  const auto code = take_word(line);
  const bool is_well_formed = version.size() == kVersionStart.size() + 1 &&
                              (version.back() == '0' || version.back() == '1') &&
                              code.size() == 3 && code[0] >= '1' && code[0] <= '5' &&
                              base::is_digit(code[1]) && base::is_digit(code[2]);
  if (!is_well_formed) return fail("malformed status line");
  status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  if (status_ == 101) return fail("the server switches protocols unasked");
  if (status_ < 200 && ++interim_ > kMaxInterim) return fail("too many interim responses");
  part_ = Part::fields;
}

// The last field stays open until the next line shows that it is not folded (RFC 9112 5.2). A line
// that continues none is skipped (RFC 9112 2.2).
void HttpResponseParser::field_line(std::string_view line) {
  if (!line.empty() && base::is_wsp(line.front())) {
    if (!field_.empty()) (field_ += ' ') += base::trimmed(line);
    return;
  }
  const auto field = std::exchange(field_, std::string(line));
  if (part_ == Part::fields && status_ == 200) end_of_field(field);
  if (line.empty() && !error_) end_of_header();
}

// Blanks before the colon go (RFC 9112 5.1): a field that frames the body must not be overlooked
// because of them. A line without a colon, or with a name that is no token, is one that nobody
// reads.
void HttpResponseParser::end_of_field(std::string_view field) {
  const auto colon = field.find(':');
  if (colon == std::string_view::npos) return;
  const auto name = base::trimmed(field.substr(0, colon));
  const auto value = base::trimmed(field.substr(colon + 1));
  if (is_same(name, "content-type")) {
    if (!value.empty()) media_type_ = value;
  } else if (is_same(name, "content-length")) {
    for_each_member(value, [this](auto length) { content_length(length); });
  } else if (is_same(name, "transfer-encoding")) {
    for_each_member(value, [this](auto coding) { transfer_coding(coding); });
  } else if (is_same(name, "content-encoding")) {
    for_each_member(value, [this](auto coding) { is_encoded_ |= !is_same(coding, "identity"); });
  }
}

void HttpResponseParser::content_length(std::string_view digits) {
  if (!std::all_of(digits.begin(), digits.end(), base::is_digit)) {
    has_bad_length_ = true;
    return;
  }
  std::uint64_t length = 0;
  for (char c : digits) length = append_digit(length, 10, c - '0');
  if (length_ && *length_ != length) return fail("different Content-Length values");
  length_ = length;
}

void HttpResponseParser::transfer_coding(std::string_view coding) {
  if (is_same(coding, "chunked")) {
    is_chunked_ = true;
  } else if (!is_same(coding, "identity")) {
    has_unknown_coding_ = true;
  }
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

// RFC 9112 section 6.3: chunks, a length, the end of the connection, in this order.
void HttpResponseParser::begin_body() {
  if (is_encoded_) return fail("Content-Encoding, which was not asked for");
  if (has_unknown_coding_) return fail("unknown transfer coding");
  if (is_chunked_) {
    part_ = Part::chunk_size;
  } else if (has_bad_length_) {
    fail("malformed Content-Length");
  } else if (!length_) {
    part_ = Part::body_until_close;
  } else if (*length_ > kMaxBody) {
    fail("body is too long", Fault::too_large);
  } else {
    remaining_ = *length_;
    part_ = remaining_ == 0 ? Part::complete : Part::body_of_known_length;
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
  const auto extension = base::trimmed(line.substr(digits));
  if (digits == 0 || !(extension.empty() || extension.starts_with(';')))
    return fail("malformed chunk size");
  if (remaining_ > kMaxBody - body_.size()) return fail("body is too long", Fault::too_large);
  part_ = remaining_ == 0 ? Part::trailers : Part::chunk_data;
}

void HttpResponseParser::end_of_chunk(std::string_view line) {
  if (!line.empty()) return fail("chunk is longer than its size");
  part_ = Part::chunk_size;
}

void HttpResponseParser::fail(std::string_view text, Fault fault) {
  body_.clear();
  error_ = base::Error{fault, std::string(text)};
}

}  // namespace tlspolicyd::net
