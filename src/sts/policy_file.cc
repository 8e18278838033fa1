#include "sts/policy_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <unordered_set>

#include "base/ascii.h"
#include "base/log.h"
#include "sts/utf8.h"

namespace tlspolicyd::sts {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMaxKey = 32;
constexpr std::size_t kMaxAgeDigits = 10;
// Of all mx values with U-labels: converting one takes tens of microseconds (threat A-14).
constexpr std::size_t kMaxUnicodeOctets = 2048;
// Keeps an error within 200 bytes, though every octet may be written as four.
constexpr std::size_t kMaxQuote = 30;

std::string quoted(std::string_view text) { return '"' + base::printable(text, kMaxQuote) + '"'; }

/// Hands out the lines of a text, ended by LF or CRLF; a CR elsewhere stays in the line.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    ++number_;
    const auto end = rest_.find('\n');
    line = rest_.substr(0, end);
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      rest_.remove_prefix(end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
    }
    return true;
  }

  /// Of the line given last, from 1.
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey || !base::is_alnum(key.front())) return false;
  return std::all_of(key.begin(), key.end(),
                     [](char c) { return base::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

/// Reads line after line and keeps the first error; what follows it is not read.
class Parser {
 public:
  explicit Parser(std::string_view body) : lines_(body) {}

  base::Result<Policy> parse() {
    std::string_view line;
    while (!error_ && lines_.next(line)) read_line(line);
    if (!error_) check_complete();
    if (error_) return *error_;
    return std::move(policy_);
  }

 private:
  void read_line(std::string_view line) {
    line = base::trimmed(line);
    if (line.empty()) return;
    if (!is_utf8(line)) return fail("not UTF-8");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return fail("not of the form key: value");
    const auto key = line.substr(0, colon);
    const auto value = base::trimmed(line.substr(colon + 1));
    if (!is_key(key)) return fail(quoted(key) + " is not a key");
    if (std::any_of(value.begin(), value.end(), base::is_ctl))
      return fail("control character in the value of " + std::string(key));
    read_field(key, value);
  }

  void read_field(std::string_view key, std::string_view value) {
    // Here and not by the grammar of unknown keys, which these would satisfy with any value.
    if (key == "version") return read_version(value);
    if (key == "mode") return read_mode(value);
    if (key == "max_age") return read_max_age(value);
    if (key == "mx") return read_mx(value);
    if (value.empty()) fail(std::string(key) + " has no value");
  }

  void read_version(std::string_view value) {
    if (!is_first('v')) return;
    if (value != "STSv1") fail("version is " + quoted(value) + ", not STSv1");
  }

  void read_mode(std::string_view value) {
    if (!is_first('m')) return;
    const auto mode = mode_of(value);
    if (!mode) return fail("mode is " + quoted(value) + ", not enforce, testing or none");
    policy_.mode = *mode;
  }

  void read_max_age(std::string_view value) {
    if (!is_first('a')) return;
    if (value.empty() || value.size() > kMaxAgeDigits ||
        !std::all_of(value.begin(), value.end(), base::is_digit))
      return fail("max_age is " + quoted(value) + ", not 1 to 10 digits");
    std::int64_t seconds = 0;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    policy_.max_age = std::min(std::chrono::seconds(seconds), kMaxMaxAge);
  }

  static base::Error too_much_unicode() {
    return {base::Fault::invalid,
            fmt::format("more than {} octets of mx that are not ASCII", kMaxUnicodeOctets)};
  }

  /// An error is kept for the end: with mode none, which may come later, it is none.
  void read_mx(std::string_view value) {
    if (mx_error_) return;
    const bool is_unicode = !is_ascii(value);
    auto pattern = is_unicode && (unicode_octets_ += value.size()) > kMaxUnicodeOctets
                       ? too_much_unicode()
                       : MxPattern::parse(value);
    if (!pattern) {
      auto& error = is_unicode ? dropped_mx_ : mx_error_;
      if (!error) error = at_line("mx is " + quoted(value) + ": " + pattern.error().text);
    } else if (seen_.contains(pattern->text())) {
      return;
    } else if (policy_.mx.size() == kMaxPatterns) {
      mx_error_ = at_line(fmt::format("more than {} different mx", kMaxPatterns));
    } else {
      seen_.insert(pattern->text());
      policy_.mx.push_back(std::move(*pattern));
      policy_.line_order += 'x';
    }
  }

  void check_complete() {
    if (!has('v')) return fail_whole("no version line");
    if (!has('m')) return fail_whole("no mode line");
    if (!has('a')) return fail_whole("no max_age line");
    if (policy_.mode == Mode::none) return;
    if (mx_error_) {
      error_ = mx_error_;
    } else if (policy_.mx.empty() && dropped_mx_) {
      error_ = dropped_mx_;
    } else if (policy_.mx.empty()) {
      fail_whole("no mx line, which mode " + std::string(name_of(policy_.mode)) + " requires");
    }
  }

  bool has(char kind) const { return policy_.line_order.find(kind) != std::string::npos; }

  bool is_first(char kind) {
    if (has(kind)) return false;
    policy_.line_order += kind;
    return true;
  }

  base::Error at_line(std::string_view text) const {
    return {base::Fault::invalid, fmt::format("line {}: {}", lines_.number(), text)};
  }
  void fail(std::string_view text) { error_ = at_line(text); }
  void fail_whole(std::string text) { error_ = {base::Fault::invalid, std::move(text)}; }

  LineReader lines_;
  Policy policy_;
  std::unordered_set<std::string> seen_;
  std::optional<base::Error> error_;
  std::optional<base::Error> mx_error_;
  /// Of the first mx with U-labels that could not be converted. It counts if no other mx is left.
  std::optional<base::Error> dropped_mx_;
  std::size_t unicode_octets_ = 0;
};

}  // namespace

base::Result<Policy> parse_policy(std::string_view body) {
  if (body.size() > kMaxPolicyFile)
    return base::Error{base::Fault::too_large, "policy file is longer than 65536 octets"};
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  return Parser(body).parse();
}

}  // namespace tlspolicyd::sts
