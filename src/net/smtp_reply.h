#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tlspolicyd::net {

/// A reply of an SMTP server (RFC 5321 4.2).
struct SmtpReply {
  int code = 0;                    ///< 200 to 599
  std::vector<std::string> lines;  ///< the texts after the code, as they came

  /// The first line with its code, for people; not printable by itself.
  std::string text() const;
  bool operator==(const SmtpReply&) const = default;
};

/// True if the reply to EHLO offers this extension (RFC 5321 4.1.1.1; case does not matter). The
/// first line is the server's name.
bool offers(const SmtpReply& ehlo, std::string_view extension);

/// Reads one SMTP reply, piece by piece, from a server that may be hostile. Pure: no I/O.
///
/// A line ends with CR LF or, as Postfix takes it, with LF alone. Every line has the same code; the
/// one that has no "-" after it is the last. The outcome depends on the bytes, never on how they
/// were cut into pieces.
class SmtpReplyParser {
 public:
  /// One line with its end. RFC 5321 4.5.3.1.5 has 512; Postfix takes 2048.
  static constexpr std::size_t kMaxLine = 2048;
  static constexpr std::size_t kMaxLines = 100;
  static constexpr std::size_t kMaxBytes = 16 * 1024;

  enum class State { need_more, complete, failed };

  /// Takes the next bytes up to the end of the reply; how many that were. What is left belongs to
  /// no reply that was asked for. Once complete or failed it takes none.
  std::size_t feed(std::string_view bytes);

  State state() const;
  /// REQUIRES: complete.
  const SmtpReply& reply() const { return reply_; }
  /// Faults: invalid (form), too_large. REQUIRES: failed.
  const base::Error& error() const { return *error_; }

 private:
  void end_of_line();
  void fail(base::Fault fault, std::string_view text) { error_ = {fault, std::string(text)}; }

  std::string line_;  ///< of the present line what has come
  std::size_t bytes_ = 0;
  SmtpReply reply_;
  bool complete_ = false;
  std::optional<base::Error> error_;
};

}  // namespace tlspolicyd::net
