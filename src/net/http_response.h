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
/// Bounded, complete, otherwise forgiving. The peer is authenticated as the domain's own host, and
/// the connection carries one response: no second reader could frame it differently, and a policy
/// that is refused protects nobody.
/// * Bounded: every limit below holds at any time. An endless response fails at its limit.
/// * Complete: a body ends at its length, at its last chunk, or with the connection if the peer
///   meant its end. Different lengths, a coding (other than chunked), a malformed chunk and a
///   control byte in a line fail.
/// * Forgiving: a line may end with LF alone. Folded lines are joined (RFC 9112 5.2). The status
///   line needs no reason. Empty lines before it, and header lines that make no field, are skipped.
///   Blanks around a field's name do not count. Chunks override a length; equal lengths and
///   repeated codings count once; of several Content-Type fields the last counts (RFC 9110 8.3).
///
/// The outcome depends on the bytes, never on how they were cut into pieces.
///
/// A status other than 200 completes the response at the end of its header section, without a body:
/// nobody needs it.
class HttpResponseParser {
 public:
  /// Header sections of the interim and the final response and the trailers, all together.
  static constexpr std::size_t kMaxHeader = 16 * 1024;
  /// One header field with its folds. Content-Security-Policy alone often passes 1 KiB.
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
  /// The value of the last Content-Type that has one, "" if absent. It may be a list.
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
  /// For a line that begins with `first`.
  std::size_t line_limit(char first) const;
  void end_of_line();
  void status_line(std::string_view line);
  void field_line(std::string_view line);
  void end_of_field(std::string_view field);
  void content_length(std::string_view digits);
  void transfer_coding(std::string_view coding);
  void end_of_header();
  void begin_body();
  void chunk_size_line(std::string_view line);
  void end_of_chunk(std::string_view line);
  void fail(std::string_view text, base::Fault fault = base::Fault::http);

  Part part_ = Part::status_line;
  std::optional<base::Error> error_;
  std::string line_;   ///< of the present line what has come, CR and LF included
  std::string field_;  ///< the last header field, which the next line may continue
  std::size_t header_bytes_ = 0;
  std::size_t framing_bytes_ = 0;
  int interim_ = 0;

  int status_ = 0;
  std::string media_type_;
  std::optional<std::uint64_t> length_;
  bool has_bad_length_ = false;
  bool is_chunked_ = false;
  bool has_unknown_coding_ = false;
  bool is_encoded_ = false;
  std::uint64_t remaining_ = 0;  ///< of the body or of the present chunk
  std::string body_;
};

}  // namespace tlspolicyd::net
