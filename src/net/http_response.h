#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tlspolicyd::net {

/// Reads one HTTP/1.1 (or 1.0) response to a GET, piece by piece, from a server that may be hostile
/// (RFC 9110, RFC 9112). Pure: no I/O.
///
/// It is stricter than RFC 9112 allows a client to be: whatever two readers could frame differently
/// is refused (bare LF, folding, several lengths, Content-Length beside Transfer-Encoding, any
/// coding but chunked). The outcome depends on the bytes, never on how they were cut into pieces.
///
/// A status other than 200 completes the response at the end of its header section, without a body:
/// nobody needs it.
class HttpResponseParser {
 public:
  /// Header sections of the interim and the final response and the trailers, all together.
  static constexpr std::size_t kMaxHeader = 16 * 1024;
  /// One header field. Content-Security-Policy alone often passes 1 KiB.
  static constexpr std::size_t kMaxFieldLine = 8 * 1024;
  /// The status line, a chunk-size line.
  static constexpr std::size_t kMaxLine = 1024;
  /// What chunks may cost beside their data: enough for 64 KiB in chunks of one byte.
  static constexpr std::size_t kMaxChunkFraming = 512 * 1024;
  static constexpr std::size_t kMaxBody = 64 * 1024;  // RFC 8461 3.3
  static constexpr int kMaxInterim = 16;

  enum class State { need_more, complete, failed };

  /// Takes the next bytes. Once complete or failed it stays so and ignores what follows.
  State feed(std::string_view bytes);
  /// Says that no more bytes come. `clean`: the transport vouches that the peer meant the end (TLS
  /// close_notify); only then may it end a body without a length.
  State eof(bool clean);

  State state() const;

  /// Faults: http (form), too_large (limits). REQUIRES: state() is failed.
  const base::Error& error() const { return *error_; }

  // The response. REQUIRES: state() is complete; for body() the limit holds at any time.
  int status() const { return status_; }
  /// The value of Content-Type, "" if absent.
  const std::string& media_type() const { return media_type_; }
  const std::string& body() const { return body_; }
  std::string take_body() { return std::move(body_); }

 private:
  enum class Part {
    status_line,
    fields,
    body_of_known_length,
    body_until_close,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    complete
  };

  bool is_in_lines() const;
  std::size_t take_line(std::string_view bytes);
  std::size_t take_body_bytes(std::string_view bytes);
  std::size_t line_limit() const;
  void end_of_line();
  void status_line(std::string_view line);
  void field_line(std::string_view line);
  void known_field(std::string_view name, std::string_view value);
  void content_length(std::string_view value);
  void end_of_header();
  void begin_body();
  void chunk_size_line(std::string_view line);
  void fail(std::string_view text, base::Fault fault = base::Fault::http);

  Part part_ = Part::status_line;
  std::optional<base::Error> error_;
  std::string line_;  ///< of the present line what has come, CR and LF included
  std::size_t header_bytes_ = 0;
  std::size_t framing_bytes_ = 0;
  int interim_ = 0;

  int status_ = 0;
  bool is_http_1_0_ = false;
  bool has_media_type_ = false;
  std::string media_type_;
  bool has_length_ = false;
  std::uint64_t remaining_ = 0;  ///< of the body or of the present chunk
  bool has_transfer_coding_ = false;
  bool is_chunked_ = false;
  bool is_encoded_ = false;
  std::string body_;
};

}  // namespace tlspolicyd::net
