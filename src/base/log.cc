#include "base/log.h"

#include <sys/stat.h>

#include "base/ascii.h"

namespace tlspolicyd::base {
namespace {

std::string_view word_for(Severity severity) {
  switch (severity) {
    case Severity::debug: return "debug";
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
}

void append_quoted(std::string& line, std::string_view value) {
  line += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (char c : text.substr(0, limit)) {
    if (is_printable(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > limit) out += "...";
  return out;
}

void Log::write(Severity severity, std::string_view message,
                std::initializer_list<Field> fields) const {
  if (!enabled(severity)) return;
  if (const auto lost = dropped_ ? dropped_() : 0)
    send(Severity::warning, "log lines dropped: standard error was not read", {{"count", lost}});
  send(severity, message, fields);
}

void Log::send(Severity severity, std::string_view message,
               std::initializer_list<Field> fields) const {
  std::string line;
  if (format_ == Format::json) {
    line = fmt::format(R"({{"level":"{}","message":)", word_for(severity));
    append_quoted(line, printable(message));
    for (const auto& field : fields) {
      line += fmt::format(R"(,"{}":)", field.key);
      append_quoted(line, printable(field.value));
    }
    line += '}';
  } else {
    line = fmt::format("{}: {}", word_for(severity), printable(message));
    for (const auto& field : fields) {
      const auto value = printable(field.value);
      line += fmt::format(" {}=", field.key);
      if (needs_quotes(value)) {
        append_quoted(line, value);
      } else {
        line += value;
      }
    }
  }
  sink_(severity, line);
}

Log::Sink line_sink(LineWriter& writer, bool with_priority) {
  return [&writer, with_priority](Severity severity, std::string_view line) {
    constexpr int kPriority[] = {7, 6, 4, 3};
    const auto prefix =
        with_priority ? fmt::format("<{}>", kPriority[static_cast<int>(severity)]) : std::string();
    writer.write(fmt::format("{}{}\n", prefix, line));
  };
}

bool is_journal_stream(const char* variable, int descriptor) {
  struct stat status {};
  return variable != nullptr && ::fstat(descriptor, &status) == 0 &&
         variable == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace tlspolicyd::base
