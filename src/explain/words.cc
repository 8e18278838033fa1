#include "explain/words.h"

#include <fmt/format.h>

#include "dane/tlsa.h"

namespace tlspolicyd::explain {

std::string_view word_of(sts::TxtSelection::Verdict verdict) {
  switch (verdict) {
    case sts::TxtSelection::Verdict::ok: return "ok";
    case sts::TxtSelection::Verdict::none: return "none";
    case sts::TxtSelection::Verdict::invalid: return "invalid";
    case sts::TxtSelection::Verdict::multiple: return "several";
  }
  return "";
}

std::string_view describe(dane::HostState state) {
  switch (state) {
    case dane::HostState::usable: return "has usable TLSA records";
    case dane::HostState::none: return "has no TLSA records that bind";
    case dane::HostState::no_address: return "has no address";
    case dane::HostState::error: return "could not be looked up";
  }
  return "";
}

std::string text_of(const net::TlsaRecord& record) {
  constexpr std::size_t kShown = 16;
  auto text = fmt::format("{} {} {} ", record.usage, record.selector, record.matching_type);
  for (std::size_t at = 0; at < record.data.size() && at < kShown; ++at)
    text += fmt::format("{:02x}", record.data[at]);
  if (record.data.size() > kShown) text += "...";
  return text;
}

bool is_usable(const net::TlsaRecord& record) {
  return dane::is_usable({record.usage, record.selector, record.matching_type, record.data});
}

}  // namespace tlspolicyd::explain
