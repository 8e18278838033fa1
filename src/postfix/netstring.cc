#include "postfix/netstring.h"

#include "base/ascii.h"

namespace tlspolicyd::postfix {

Netstring read_netstring(std::string_view buffer, std::size_t max_payload) {
  constexpr Netstring kIncomplete{.status = Netstring::Status::incomplete};
  constexpr Netstring kMalformed{.status = Netstring::Status::malformed};
  std::size_t length = 0;
  std::size_t at = 0;
  while (at < buffer.size() && base::is_digit(buffer[at])) {
    if (at > 0 && length == 0) return kMalformed;  // a leading zero
    length = length * 10 + static_cast<std::size_t>(buffer[at] - '0');
    if (length > max_payload) return kMalformed;
    ++at;
  }
  if (at == buffer.size()) return kIncomplete;
  if (at == 0 || buffer[at] != ':') return kMalformed;
  ++at;
  if (buffer.size() - at <= length) return kIncomplete;
  if (buffer[at + length] != ',') return kMalformed;
  return {Netstring::Status::complete, buffer.substr(at, length), at + length + 1};
}

void append_netstring(std::string& out, std::string_view payload) {
  out += std::to_string(payload.size());
  out += ':';
  out += payload;
  out += ',';
}

}  // namespace tlspolicyd::postfix
