// However a reply is cut into pieces, its outcome is the same, and it stays within its limits.

#include "net/smtp_reply.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using tlspolicyd::net::SmtpReplyParser;

void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

// The first bytes say how to cut the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kCuts = 4;
  if (size < kCuts) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kCuts, size - kCuts);

  SmtpReplyParser whole;
  const auto taken = whole.feed(bytes);
  require(taken <= bytes.size() && taken <= SmtpReplyParser::kMaxBytes + 1);

  SmtpReplyParser pieces;
  std::size_t taken_in_pieces = 0;
  std::size_t next = 0;
  for (auto rest = bytes; !rest.empty();) {
    const std::size_t piece = std::min<std::size_t>(data[next++ % kCuts] % 32 + 1, rest.size());
    taken_in_pieces += pieces.feed(rest.substr(0, piece));
    rest.remove_prefix(piece);
  }
  require(taken == taken_in_pieces && whole.state() == pieces.state());
  if (whole.state() == SmtpReplyParser::State::failed) require(whole.error() == pieces.error());
  if (whole.state() != SmtpReplyParser::State::complete) return 0;
  require(whole.reply() == pieces.reply());
  const auto& reply = whole.reply();
  require(reply.code >= 200 && reply.code <= 599 && !reply.lines.empty());
  require(reply.lines.size() <= SmtpReplyParser::kMaxLines);
  for (const auto& line : reply.lines)
    require(line.size() < SmtpReplyParser::kMaxLine && line.find('\n') == std::string::npos);
  offers(reply, "STARTTLS");
  return 0;
}
