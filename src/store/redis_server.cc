#include "store/redis_server.h"

#include <fmt/format.h>

#include <utility>

#include "base/address.h"
#include "base/domain_name.h"
#include "base/number.h"

namespace tlspolicyd::store {
namespace {

using base::Error;
using base::Fault;
using base::Result;

constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kUnix = "redis+unix://";
constexpr std::uint64_t kLastDatabase = 65'535;

Error expected(std::string_view what) {
  return {Fault::invalid, fmt::format("{} is expected", what)};
}

int hex_value(char digit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto lower = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  const auto at = kDigits.find(lower);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// Undoes %XX (RFC 3986 2.1); control characters, plain or encoded, are refused.
Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const bool is_whole = at + 2 < text.size();
      const int high = is_whole ? hex_value(text[at + 1]) : -1;
      const int low = is_whole ? hex_value(text[at + 2]) : -1;
      if (high < 0 || low < 0) return expected("%XX with two hexadecimal digits");
      c = static_cast<char>(high * 16 + low);
      at += 2;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) return expected("a text without control characters");
    out += c;
  }
  return out;
}

/// Takes "[USER]:PASSWORD@" off the front, if it is there.
Result<bool> take_login(std::string_view& rest, std::string_view up_to, RedisServer& server) {
  const auto end = rest.substr(0, rest.find_first_of(up_to)).rfind('@');
  if (end == std::string_view::npos) return true;
  const auto login = rest.substr(0, end);
  const auto colon = login.find(':');
  if (colon == std::string_view::npos) return expected("USER:PASSWORD@ or :PASSWORD@");
  auto user = decoded(login.substr(0, colon));
  auto password = decoded(login.substr(colon + 1));
  if (!user) return user.error();
  if (!password) return password.error();
  if (password->empty()) return expected("a password after the colon");
  server.user = std::move(*user);
  server.password = std::move(*password);
  rest.remove_prefix(end + 1);
  return true;
}

Result<std::uint32_t> database_of(std::string_view text) {
  const auto number = base::parse_number(text, 0, kLastDatabase);
  if (!number) return expected("the number of a database");
  return static_cast<std::uint32_t>(*number);
}

Result<RedisServer> unix_server(std::string_view rest) {
  RedisServer server;
  if (auto taken = take_login(rest, "/", server); !taken) return taken.error();
  const auto query = rest.find('?');
  if (query != std::string_view::npos) {
    constexpr std::string_view kDatabase = "?db=";
    const auto given = rest.substr(query);
    if (!given.starts_with(kDatabase)) return expected("?db=DATABASE");
    const auto database = database_of(given.substr(kDatabase.size()));
    if (!database) return database.error();
    server.database = *database;
    rest = rest.substr(0, query);
  }
  auto path = decoded(rest);
  if (!path) return path.error();
  constexpr std::size_t kLongestPath = 107;  // unix(7)
  if (!path->starts_with('/') || path->ends_with('/') || path->size() > kLongestPath)
    return expected("the absolute path of a socket");
  server.path = std::move(*path);
  return server;
}

Result<RedisServer> tcp_server(std::string_view rest) {
  RedisServer server;
  if (auto taken = take_login(rest, "/", server); !taken) return taken.error();
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < rest.size()) {
      const auto database = database_of(rest.substr(slash + 1));
      if (!database) return database.error();
      server.database = *database;
    }
    rest = rest.substr(0, slash);
  }
  // A colon after the bracket, or the only one.
  const auto bracket = rest.rfind(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const auto port = base::parse_port(rest.substr(colon + 1));
    if (!port) return port.error();
    server.port = *port;
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) {
    const auto address = base::Address::parse(rest.substr(1, rest.size() - 2));
    if (!address || address->family() != base::Address::Family::v6)
      return expected("an IPv6 address in brackets");
    server.host = address->text();
    return server;
  }
  if (!base::Address::parse(rest) && !base::DomainName::parse(rest))
    return expected("the name or address of a host");
  server.host = rest;
  return server;
}

std::string login_of(const RedisServer& server) {
  return server.password.empty() ? "" : fmt::format("{}:***@", server.user);
}

}  // namespace

std::string RedisServer::text() const {
  if (!path.empty())
    return fmt::format("{}{}{}{}", kUnix, login_of(*this), path,
                       database == 0 ? "" : fmt::format("?db={}", database));
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}{}:{}/{}", kTcp, login_of(*this), is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", port, database);
}

Result<RedisServer> parse_redis_server(std::string_view text) {
  if (text.starts_with(kUnix)) return unix_server(text.substr(kUnix.size()));
  if (text.starts_with(kTcp)) return tcp_server(text.substr(kTcp.size()));
  if (text.starts_with("rediss://"))
    return Error{Fault::invalid,
                 "redis:// or redis+unix:// is expected; for TLS, let stunnel or the like listen "
                 "on a local socket"};
  return expected("redis://HOST:6379/0 or redis+unix:///PATH");
}

}  // namespace tlspolicyd::store
