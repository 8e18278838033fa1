#include "config/read_domains.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>

#include "config/readers.h"
#include "config/words.h"
#include "sts/policy_domain.h"

namespace tlspolicyd::config {
namespace {

using base::Error;
using base::Fault;
using base::Result;

constexpr std::string_view kDomainWords = "off, pinned, {policy: ...} or {dane: ...} is expected";

}  // namespace

void read_domains(Section& top, Config& config) {
  std::map<std::string, std::string> spelled;  // by policy domain
  std::optional<base::DomainName> domain;
  const auto name = [&](const std::string& text) -> Result<bool> {
    const auto parsed = sts::policy_domain(text);
    if (!parsed) return parsed.error();
    domain = *parsed;
    const auto [before, is_new] = spelled.emplace(parsed->text(), text);
    if (!is_new && before->second != text)
      return Error{Fault::invalid, fmt::format("the same domain as {}", before->second)};
    return true;
  };
  const auto word = [&](const std::string& text) -> Result<bool> {
    if (text == "off") {
      config.overrides.set_off(*domain);
    } else if (text == "pinned") {
      config.pinned.insert(domain->text());
    } else {
      return Error{Fault::invalid, std::string(kDomainWords)};
    }
    return true;
  };
  top.section("domains", [&](Section& domains) {
    domains.each(name, word, [&](const std::string& text, Section& keys) {
      if (keys.is_empty()) domains.complain_of(text, std::string(kDomainWords));
      if (keys.has("policy") && keys.has("dane"))
        keys.complain_of("dane", "not beside policy, which is the whole answer");
      keys.text("policy", [&](const std::string& policy) {
        return config.overrides.set_policy(*domain, policy);
      });
      keys.text("dane", [&](const std::string& mode) {
        return choice(config.dane.domains[domain->text()], kDaneModes)(mode);
      });
    });
  });
}

}  // namespace tlspolicyd::config
