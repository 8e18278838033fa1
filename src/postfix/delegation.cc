#include "postfix/delegation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/log.h"
#include "postfix/delivery_status.h"

namespace tlspolicyd::postfix {
namespace {

constexpr std::size_t kMostTemplate = 300;
// An SMTP reply line has at most 512 octets (RFC 5321 4.5.3.1.5); Postfix adds the recipient.
constexpr std::size_t kMostText = 400;
constexpr std::string_view kPlaceholders[] = {"{domain}", "{id}", "{policy}", "{mx}"};

std::string fill(std::string_view text, std::string_view domain, const sts::StoredPolicy& stored,
                 const std::vector<std::string>& elsewhere) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open);
    for (const auto placeholder : kPlaceholders) {
      if (!text.starts_with(placeholder)) continue;
      if (placeholder == "{domain}") out += domain;
      if (placeholder == "{id}") out += stored.id;
      if (placeholder == "{policy}") out += list_of(allowed_by(stored.policy), "and");
      if (placeholder == "{mx}") out += list_of(elsewhere, "and");
      text.remove_prefix(placeholder.size());
      break;
    }
  }
  return out;
}

}  // namespace

base::Result<std::string> parse_delegation_text(std::string_view text) {
  const auto wrong = [](std::string what) {
    return base::Error{base::Fault::invalid, std::move(what)};
  };
  if (text.size() > kMostTemplate) return wrong(fmt::format("at most {} bytes", kMostTemplate));
  if (!base::is_printable(text)) return wrong("printable ASCII is expected");
  for (auto rest = text; !rest.empty();) {
    const auto brace = rest.find_first_of("{}");
    if (brace == std::string_view::npos) break;
    rest.remove_prefix(brace);
    const auto known =
        std::find_if(std::begin(kPlaceholders), std::end(kPlaceholders),
                     [&](auto placeholder) { return rest.starts_with(placeholder); });
    if (known == std::end(kPlaceholders))
      return wrong(fmt::format("in braces only {} are known", fmt::join(kPlaceholders, ", ")));
    rest.remove_prefix(known->size());
  }
  return std::string(text);
}

std::string render_delegation(const DelegationRules& rules, std::string_view domain,
                              const sts::StoredPolicy& stored,
                              const std::vector<std::string>& elsewhere) {
  const auto text =
      base::printable(rules.text.empty() ? explain_elsewhere(domain, stored, elsewhere)
                                         : fill(rules.text, domain, stored, elsewhere),
                      kMostText);
  switch (rules.action) {
    case DelegationRules::Action::dunno: break;
    case DelegationRules::Action::warn: return fmt::format("action=WARN {}\n\n", text);
    case DelegationRules::Action::defer:
      return fmt::format("action=DEFER_IF_PERMIT 4.7.5 {}\n\n", text);
    case DelegationRules::Action::reject: return fmt::format("action=550 5.7.5 {}\n\n", text);
  }
  return std::string(kDunno);
}

}  // namespace tlspolicyd::postfix
