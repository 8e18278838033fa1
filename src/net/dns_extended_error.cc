#include "net/dns_extended_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/log.h"

namespace tlspolicyd::net {
namespace {

constexpr unsigned kExtendedErrorOption = 15;
constexpr std::size_t kOptionHead = 4;  // OPTION-CODE, OPTION-LENGTH
constexpr std::size_t kInfoCodeSize = 2;

// IANA, "Extended DNS Error Codes", by number.
constexpr std::array<std::string_view, 31> kNames = {
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
};

std::uint16_t number_at(std::span<const std::uint8_t> octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8U | octets[at + 1]);
}

// RFC 8914 section 2: the text may end in a NUL.
std::string text_of(std::span<const std::uint8_t> octets) {
  std::string_view text(reinterpret_cast<const char*>(octets.data()), octets.size());
  constexpr std::string_view kNoise("\0 .\r\n", 5);
  const auto last = text.find_last_not_of(kNoise);
  return base::printable(text.substr(0, last == text.npos ? 0 : last + 1), kMaxExtraText);
}

std::string describe(const ExtendedError& error) {
  auto text = error.code < kNames.size()
                  ? fmt::format("{} (EDE {})", kNames[error.code], error.code)
                  : fmt::format("EDE {}", error.code);
  return error.text.empty() ? text : text + ": " + error.text;
}

}  // namespace

std::vector<ExtendedError> read_extended_errors(std::span<const std::uint8_t> options) {
  std::vector<ExtendedError> errors;
  while (options.size() >= kOptionHead && errors.size() < kMaxExtendedErrors) {
    const auto option = number_at(options, 0);
    const std::size_t length = number_at(options, 2);
    options = options.subspan(kOptionHead);
    if (length > options.size()) break;
    const auto data = options.first(length);
    options = options.subspan(length);
    if (option != kExtendedErrorOption || length < kInfoCodeSize) continue;
    const auto code = number_at(data, 0);
    if (std::any_of(errors.begin(), errors.end(), [code](const auto& e) { return e.code == code; }))
      continue;
    errors.push_back({code, text_of(data.subspan(kInfoCodeSize))});
  }
  return errors;
}

std::string describe(const std::vector<ExtendedError>& errors) {
  std::string text;
  for (const auto& error : errors) {
    if (!text.empty()) text += "; ";
    text += describe(error);
  }
  return text;
}

}  // namespace tlspolicyd::net
