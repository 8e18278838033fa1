#include "net/smtp_reply.h"

#include <algorithm>

#include "base/ascii.h"

namespace tlspolicyd::net {
namespace {

constexpr std::size_t kCode = 3;

/// The code at the beginning of a line, 0 if there is none.
int code_of(std::string_view line) {
  if (line.size() < kCode || line[0] < '2' || line[0] > '5') return 0;
  int code = 0;
  for (const char c : line.substr(0, kCode)) {
    if (c < '0' || c > '9') return 0;
    code = code * 10 + (c - '0');
  }
  return code;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
    return base::to_lower(left) == base::to_lower(right);
  });
}

}  // namespace

std::string SmtpReply::text() const {
  return std::to_string(code) + (lines.empty() ? "" : " " + lines.front());
}

bool offers(const SmtpReply& ehlo, std::string_view extension) {
  return ehlo.lines.size() > 1 &&
         std::any_of(ehlo.lines.begin() + 1, ehlo.lines.end(), [&](std::string_view line) {
           return same_word(line.substr(0, line.find_first_of(" \t")), extension);
         });
}

std::size_t SmtpReplyParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state() == State::need_more) {
    const char c = bytes[taken++];
    if (++bytes_ > kMaxBytes) {
      fail(base::Fault::too_large, "the reply is longer than 16 KiB");
    } else if (c == '\n') {
      end_of_line();
    } else if (line_.size() + 1 >= kMaxLine) {
      fail(base::Fault::too_large, "a line of the reply is longer than 2048 bytes");
    } else {
      line_ += c;
    }
  }
  return taken;
}

SmtpReplyParser::State SmtpReplyParser::state() const {
  if (error_) return State::failed;
  return complete_ ? State::complete : State::need_more;
}

void SmtpReplyParser::end_of_line() {
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const int code = code_of(line);
  if (code == 0) return fail(base::Fault::invalid, "not a reply of SMTP");
  if (!reply_.lines.empty() && code != reply_.code)
    return fail(base::Fault::invalid, "the lines of the reply have different codes");
  line.remove_prefix(kCode);
  if (!line.empty() && line.front() != ' ' && line.front() != '-')
    return fail(base::Fault::invalid, "not a reply of SMTP");
  if (reply_.lines.size() == kMaxLines)
    return fail(base::Fault::too_large, "the reply has more than 100 lines");
  complete_ = !line.starts_with('-');
  reply_.code = code;
  reply_.lines.emplace_back(line.substr(std::min<std::size_t>(line.size(), 1)));
  line_.clear();
}

}  // namespace tlspolicyd::net
