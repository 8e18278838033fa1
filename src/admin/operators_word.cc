#include "admin/operators_word.h"

#include "postfix/netstring.h"

namespace tlspolicyd::admin {
namespace {

using nlohmann::json;

std::string_view name_of(service::DaneMode mode) {
  switch (mode) {
    case service::DaneMode::gate: return "gate";
    case service::DaneMode::always: return "always";
    case service::DaneMode::off: break;
  }
  return "off";
}

}  // namespace

json operators_word(const explain::Explainer::Settings& settings, const std::string& domain) {
  constexpr std::string_view kFound = "OK ";
  json out;
  if (settings.inquiry.is_pinned(domain)) out["word"] = "pinned";
  if (const auto wire = settings.overrides.find(domain); !wire.empty()) {
    const auto reply = postfix::read_netstring(wire, wire.size()).payload;
    const bool is_policy = reply.starts_with(kFound);
    out["word"] = is_policy ? "policy" : "off";
    if (is_policy) out["policy"] = reply.substr(kFound.size());
  }
  const auto& modes = settings.dane.domains;
  if (const auto own = modes.find(domain); own != modes.end()) out["dane"] = name_of(own->second);
  return out;
}

}  // namespace tlspolicyd::admin
