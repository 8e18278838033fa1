#include "base/log.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace tlspolicyd::base {
namespace {

using namespace std::string_literals;

struct Lines {
  std::vector<std::string> lines;
  std::vector<Severity> severities;

  Log::Sink sink() {
    return [this](Severity severity, std::string_view line) {
      severities.push_back(severity);
      lines.emplace_back(line);
    };
  }
};

std::string one_line(Log::Format format, std::string_view message,
                     std::initializer_list<Field> fields) {
  Lines got;
  const Log log(Severity::debug, format, got.sink());
  log.write(Severity::warning, message, fields);
  REQUIRE(got.lines.size() == 1);
  return got.lines.front();
}

bool is_printable(std::string_view text) {
  for (char c : text)
    if (c < 0x20 || c > 0x7e) return false;
  return true;
}

const std::string kEvil =
    "a.example\n<3>error: forged\r\x1b[2J\x07\0b\xc2\x9b"
    "31m\xff\x7f\t"s;

TEST_CASE("A line is its severity, a message and fields") {
  CHECK(one_line(Log::Format::text, "policy fetch failed",
                 {{"domain", "example.org"}, {"tries", 3}}) ==
        "warning: policy fetch failed domain=example.org tries=3");
  CHECK(
      one_line(Log::Format::json, "policy fetch failed",
               {{"domain", "example.org"}, {"tries", 3}}) ==
      R"({"level":"warning","message":"policy fetch failed","domain":"example.org","tries":"3"})");
}

TEST_CASE("Lines below the least severity are not written") {
  Lines got;
  const Log log(Severity::warning, Log::Format::text, got.sink());
  CHECK_FALSE(log.enabled(Severity::info));
  CHECK(log.enabled(Severity::warning));
  log.debug("d");
  log.info("i");
  log.warning("w");
  log.error("e", {{"k", "v"}});
  CHECK(got.lines == std::vector<std::string>{"warning: w", "error: e k=v"});
  CHECK(got.severities == std::vector<Severity>{Severity::warning, Severity::error});
}

TEST_CASE("A-16 values cannot break a line, forge a field or reach the terminal") {
  for (auto format : {Log::Format::text, Log::Format::json}) {
    CAPTURE(static_cast<int>(format));
    const auto line = one_line(format, "key " + kEvil, {{"key", kEvil}, {"after", 1}});
    CHECK(is_printable(line));
    CHECK(line.find("x0a") != std::string::npos);
    CHECK(line.find("x1b") != std::string::npos);
  }
  CHECK(one_line(Log::Format::text, "m", {{"key", "a b=c"}, {"q", "say \"x\" \\"}, {"e", ""}}) ==
        R"(warning: m key="a b=c" q="say \"x\" \\" e="")");
  CHECK(one_line(Log::Format::json, "m \"", {{"key", "\"},{\\\n"}}) ==
        R"({"level":"warning","message":"m \"","key":"\"},{\\\\x0a"})");
}

TEST_CASE("A-16 long values are cut") {
  const std::string value(100000, 'x');
  const auto line = one_line(Log::Format::text, "m", {{"key", value}});
  CHECK(line == "warning: m key=" + std::string(500, 'x') + "...");
  const auto escaped = one_line(Log::Format::json, value, {{"key", std::string(100000, '\n')}});
  CHECK(escaped.size() < 4000);
}

TEST_CASE("systemd.exec(5): only the stream that JOURNAL_STREAM names is the journal") {
  struct stat status {};
  REQUIRE(::fstat(STDERR_FILENO, &status) == 0);
  const auto own = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  CHECK(is_journal_stream(own.c_str(), STDERR_FILENO));
  int other[2];
  REQUIRE(::pipe(other) == 0);
  // Inherited, but standard error was redirected.
  CHECK_FALSE(is_journal_stream(own.c_str(), other[1]));
  for (const int end : other) ::close(end);
  for (const char* variable : {"", "1", ":", "9:9", "a:b"})
    CHECK_FALSE(is_journal_stream(variable, STDERR_FILENO));
  CHECK_FALSE(is_journal_stream((own + "0").c_str(), STDERR_FILENO));
  CHECK_FALSE(is_journal_stream(nullptr, STDERR_FILENO));
  CHECK_FALSE(is_journal_stream(own.c_str(), -1));
}

TEST_CASE("A-16 printable() escapes all but printable ASCII") {
  CHECK(printable("a~ !") == "a~ !");
  CHECK(printable("\0\x1f\x7f\x80\xff"s) == "\\x00\\x1f\\x7f\\x80\\xff");
  CHECK(printable("abc", 3) == "abc");
  CHECK(printable("abcd", 3) == "abc...");
  CHECK(printable("") == "");
}

}  // namespace
}  // namespace tlspolicyd::base
