#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tlspolicyd::net {

/// A request as a handler sees it.
struct HttpRequest {
  std::string method;  ///< GET or POST
  std::string path;    ///< begins with "/"; as it came, nothing decoded
  /// Decoded; no control characters in it, each name once.
  std::map<std::string, std::string, std::less<>> query;
  std::string body;
  /// It has an Origin or Sec-Fetch-* field: a page in a browser makes it, perhaps not its user's
  /// own.
  bool from_page = false;
  /// The Host field without its port; "" if there was none or an empty one.
  std::string host{};
  /// It came through a unix socket, which no page in a browser reaches.
  bool over_unix = false;

  /// True if the host is an address or localhost, in any case or with a final dot, or is not given.
  /// A page that had its own name resolved to an address of this machine (DNS rebinding) makes the
  /// browser send that name.
  bool is_for_address() const;

  /// The value of a parameter, "" if it was not given.
  std::string_view parameter(std::string_view name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string_view() : std::string_view(found->second);
  }
};

/// Reads one HTTP/1.x request (RFC 9112), piece by piece, from a client that may be hostile. Pure:
/// no I/O.
///
/// It reads what curl, browsers and Prometheus send, and is strict: whatever two readers could
/// understand differently is refused (bare LF, folding, several lengths, any transfer coding), and
/// so is HTTP/1.1 without Host and a second or malformed Host (RFC 9112 3.2). The outcome depends
/// on the bytes, never on how they were cut into pieces.
class HttpRequestParser {
 public:
  static constexpr std::size_t kMaxHeader = 8 * 1024;  ///< request line and header fields
  static constexpr std::size_t kMaxBody = 1024;
  static constexpr std::size_t kMaxParameters = 16;

  enum class State { need_more, complete, refused };

  /// Takes the next bytes. Once complete or refused it stays so and ignores what follows.
  State feed(std::string_view bytes);
  State state() const { return state_; }
  /// True if nothing has come yet.
  bool is_empty() const { return state_ == State::need_more && !in_body_ && buffer_.empty(); }

  /// REQUIRES: state() is complete.
  const HttpRequest& request() const { return request_; }

  /// Why it is refused: a status code of RFC 9110 and a text. REQUIRES: state() is refused.
  int status() const { return status_; }
  std::string_view why() const { return why_; }

 private:
  void read_header();
  void read_body();
  bool request_line(std::string_view line);
  bool target(std::string_view text);
  bool query(std::string_view text);
  bool field_line(std::string_view line);
  bool content_length(std::string_view value);
  bool host(std::string_view value);
  bool refuse(int status, std::string_view why);

  State state_ = State::need_more;
  std::string buffer_;  ///< what has come of the present part
  bool in_body_ = false;
  bool has_length_ = false;
  bool has_host_ = false;
  bool needs_host_ = false;
  std::uint64_t length_ = 0;  ///< of the body
  HttpRequest request_;
  int status_ = 0;
  std::string_view why_;
};

}  // namespace tlspolicyd::net
