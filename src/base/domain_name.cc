#include "base/domain_name.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/ascii.h"
#include "base/deleter.h"

namespace tlspolicyd::base {
namespace {

constexpr std::size_t kMaxLabel = 63;
// A U-label name is at most this long before mapping; bounds the work given to libidn2.
constexpr std::size_t kMaxUnicode = 1024;

bool is_lookup_octet(char c) { return is_alnum(c) || c == '-' || c == '_'; }

bool has_valid_labels(std::string_view text) {
  std::size_t length = 0;
  for (char c : text) {
    if (c == '.') {
      if (length == 0) return false;
      length = 0;
    } else if (!is_lookup_octet(c) || ++length > kMaxLabel) {
      return false;
    }
  }
  return length > 0;
}

Result<std::string> to_a_labels(std::string_view text) {
  if (text.size() > kMaxUnicode) return Error{Fault::invalid, "name is too long"};
  char* mapped = nullptr;
  const std::string input(text);
  const int status =
      idn2_to_ascii_8z(input.c_str(), &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, Deleter<idn2_free>> owner(mapped);
  if (status != IDN2_OK)
    return Error{Fault::invalid, std::string("not a valid IDN: ") + idn2_strerror(status)};
  return std::string(mapped);
}

}  // namespace

Result<DomainName> DomainName::parse(std::string_view text) {
  std::string name;
  if (std::any_of(text.begin(), text.end(), [](char c) { return !is_ascii(c); })) {
    if (text.find('\0') != std::string_view::npos) return Error{Fault::invalid, "NUL in name"};
    auto mapped = to_a_labels(text);
    if (!mapped) return mapped.error();
    name = std::move(*mapped);
  } else {
    name = text;
  }
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > kMaxLength)
    return Error{Fault::invalid, name.empty() ? "empty name" : "name is too long"};
  if (!has_valid_labels(name)) return Error{Fault::invalid, "not a domain name"};
  for (char& c : name) c = to_lower(c);
  return DomainName(std::move(name));
}

std::string_view DomainName::top_level() const {
  const auto dot = text_.rfind('.');
  return dot == std::string::npos ? std::string_view(text_)
                                  : std::string_view(text_).substr(dot + 1);
}

Result<DomainName> DomainName::below(std::string_view label) const {
  if (text_.empty()) return DomainName(std::string(label));
  if (label.size() + 1 + text_.size() > kMaxLength)
    return Error{Fault::invalid, "name is too long"};
  std::string name;
  name.reserve(label.size() + 1 + text_.size());
  name.append(label).append(1, '.').append(text_);
  return DomainName(std::move(name));
}

bool is_host_label(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabel) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

}  // namespace tlspolicyd::base
