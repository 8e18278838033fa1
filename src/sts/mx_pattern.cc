#include "sts/mx_pattern.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/domain_name.h"
#include "sts/utf8.h"

namespace tlspolicyd::sts {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::string_view kWildcard = "*.";

std::string_view take_label(std::string_view& rest) {
  const auto label = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  return label;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return base::is_alnum(c) || c == '-'; });
}

/// Domain of RFC 5321 4.1.2, which knows no lengths.
bool is_domain(std::string_view text) {
  if (text.empty() || text.ends_with('.')) return false;
  while (!text.empty())
    if (!is_label(take_label(text))) return false;
  return true;
}

bool has_long_label(std::string_view text) {
  while (!text.empty())
    if (take_label(text).size() > kMaxLabel) return true;
  return false;
}

/// An IPv4 address, or digits and dots like one: no host has such a name (RFC 1123 2.1).
bool is_numeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return base::is_digit(c) || c == '.'; });
}

}  // namespace

base::Result<MxPattern> MxPattern::parse(std::string_view value) {
  const bool is_wildcard = value.starts_with(kWildcard);
  auto domain = std::string(value.substr(is_wildcard ? kWildcard.size() : 0));
  if (domain.ends_with('.')) domain.pop_back();
  if (!is_ascii(domain)) {
    const auto converted = base::DomainName::parse(domain);
    if (!converted || domain.ends_with('.'))
      return base::Error{base::Fault::invalid, "not an internationalized host name"};
    domain = converted->text();
  }
  // Also after the conversion, which maps some characters to ASCII ones (UTS 46).
  if (!is_domain(domain))
    return base::Error{base::Fault::invalid, "not a host name, nor *. and a host name"};
  std::transform(domain.begin(), domain.end(), domain.begin(), base::to_lower);
  return MxPattern(is_wildcard ? std::string(kWildcard) + domain : std::move(domain));
}

bool MxPattern::is_matchable() const {
  // Of a wildcard this counts "*" for the shortest label that it can stand for.
  if (text_.size() > base::DomainName::kMaxLength) return false;
  return text_.find('.') != std::string::npos && !is_numeric(text_) && !has_long_label(text_);
}

bool MxPattern::matches(std::string_view mx_host) const {
  if (!is_wildcard()) return mx_host == text_ && is_matchable();
  const auto dot = mx_host.find('.');
  if (dot == 0 || dot == std::string_view::npos) return false;
  return mx_host.substr(dot + 1) == std::string_view(text_).substr(kWildcard.size()) &&
         is_matchable();
}

}  // namespace tlspolicyd::sts
