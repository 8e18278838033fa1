#pragma once

#include <algorithm>
#include <string_view>

/// The character classes of the RFCs (RFC 5234 appendix B.1), free of locale.
namespace tlspolicyd::base {

constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
/// WSP: space and horizontal tab.
constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
/// VCHAR: printing characters, without the space.
constexpr bool is_vchar(char c) { return c > 0x20 && c < 0x7f; }
/// VCHAR or SP: what one line of text for people consists of.
constexpr bool is_printable(char c) { return is_vchar(c) || c == ' '; }
/// CTL: control characters and DEL.
constexpr bool is_ctl(char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }
/// True if nothing but printable characters is in it.
constexpr bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c); });
}
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
/// `text` without the blanks (WSP) at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_wsp(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace tlspolicyd::base
