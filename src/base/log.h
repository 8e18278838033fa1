#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/line_writer.h"

namespace tlspolicyd::base {

enum class Severity { debug, info, warning, error };

/// One `key=value` of a log line.
struct Field {
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  std::string_view key;
  std::string value;
};

/// Writes one line per event: a short fixed message and fields, as text
/// (`warning: policy fetch failed domain=example.org fault=tls`) or JSON.
///
/// Whatever the values hold, a line stays a line: control and non-ASCII bytes are escaped and each
/// value is cut at 500 bytes (threat A-16).
class Log {
 public:
  enum class Format { text, json };
  using Sink = std::function<void(Severity, std::string_view line)>;
  using Dropped = std::function<std::uint64_t()>;

  /// `sink` gets each line without its newline. `dropped` returns how many lines the sink has
  /// dropped since it last returned any; a line reports them before the next one.
  Log(Severity least, Format format, Sink sink, Dropped dropped = nullptr)
      : least_(least), format_(format), sink_(std::move(sink)), dropped_(std::move(dropped)) {}

  /// For lines from now on.
  void set(Severity least, Format format) {
    least_ = least;
    format_ = format;
  }

  bool enabled(Severity severity) const { return severity >= least_; }

  void write(Severity severity, std::string_view message,
             std::initializer_list<Field> fields) const;
  void debug(std::string_view m, std::initializer_list<Field> f = {}) const {
    write(Severity::debug, m, f);
  }
  void info(std::string_view m, std::initializer_list<Field> f = {}) const {
    write(Severity::info, m, f);
  }
  void warning(std::string_view m, std::initializer_list<Field> f = {}) const {
    write(Severity::warning, m, f);
  }
  void error(std::string_view m, std::initializer_list<Field> f = {}) const {
    write(Severity::error, m, f);
  }

 private:
  void send(Severity severity, std::string_view message, std::initializer_list<Field> fields) const;

  Severity least_;
  Format format_;
  Sink sink_;
  Dropped dropped_;
};

/// A sink that passes lines to `writer`, which must outlive it. For the journal (`with_priority`)
/// each line begins with the priority that the journal understands, see sd-daemon(3).
Log::Sink line_sink(LineWriter& writer, bool with_priority);

/// True if `descriptor` leads to the journal by what systemd put into $JOURNAL_STREAM,
/// `device:inode` (systemd.exec(5)). The variable alone is inherited by children whose standard
/// error goes elsewhere. `variable` may be null.
bool is_journal_stream(const char* variable, int descriptor);

/// `text` with everything but printable ASCII written as `\xHH`, cut at `limit` bytes of input.
std::string printable(std::string_view text, std::size_t limit = 500);

}  // namespace tlspolicyd::base
