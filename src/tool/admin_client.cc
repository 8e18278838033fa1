#include "tool/admin_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/ascii.h"
#include "base/number.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;

Error malformed(std::string_view what) {
  return {Fault::invalid, fmt::format("this is no reply of tlspolicyd: {}", what)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = base::to_lower(c);
  return out;
}

/// The header's Content-Length, if it has one that is a number.
std::optional<std::uint64_t> content_length(std::string_view header) {
  constexpr std::string_view kName = "\r\ncontent-length: ";
  const auto fields = lower(header);
  const auto at = fields.find(kName);
  if (at == std::string::npos) return std::nullopt;
  const auto begin = at + kName.size();
  const auto end = std::min(fields.find("\r\n", begin), fields.size());
  const auto number =
      base::parse_number(std::string_view(fields).substr(begin, end - begin), 0, kMaxAdminReply);
  return number ? std::optional(*number) : std::nullopt;
}

}  // namespace

base::Result<AdminReply> parse_admin_reply(std::string_view bytes) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::size_t kStatusDigits = 3;
  const auto end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with(kVersion) || end == std::string_view::npos)
    return malformed("it has no header");
  const auto header = bytes.substr(0, end);
  const auto digits = header.substr(kVersion.size(), kStatusDigits);
  const auto status = base::parse_number(digits, 100, 599);
  const auto after = kVersion.size() + kStatusDigits;
  if (!status || (header.size() > after && header[after] != ' ' && header[after] != '\r'))
    return malformed("it has no status");
  const auto length = content_length(header);
  if (!length) return malformed("it has no length");
  const auto body = bytes.substr(end + 4);
  if (body.size() != *length) return malformed("it is not complete");
  return AdminReply{.status = static_cast<int>(*status), .body = std::string(body)};
}

base::Result<AdminReply> ask_admin(const net::ListenAddress& daemon, std::string_view method,
                                   std::string_view target, base::seconds patience) {
  const auto name = text_of(daemon);
  const auto broken = [&](std::string_view why) {
    return Error{Fault::connect, fmt::format("{}: {}", name, why)};
  };
  const auto socket = connect(daemon, patience);
  if (!socket) return socket.error();
  const auto request =
      fmt::format("{} {} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, target);
  if (::send(socket->get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return broken(std::strerror(errno));
  std::string all;
  char chunk[16'384];
  for (;;) {
    const auto length = ::recv(socket->get(), chunk, sizeof chunk, 0);
    if (length < 0 && errno == EAGAIN)
      return broken(fmt::format("no reply within {} s", patience.count()));
    if (length < 0) return broken(std::strerror(errno));
    if (length == 0) break;
    all.append(chunk, static_cast<std::size_t>(length));
    if (all.size() > kMaxAdminReply) return malformed("it is too long");
  }
  if (all.empty()) return broken("the daemon closed the connection");
  return parse_admin_reply(all);
}

std::string query_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (base::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace tlspolicyd::tool
