#include "tool/main_cf_facts.h"

namespace tlspolicyd::tool {
namespace {

bool is_chrooted(const SmtpService& service, const MainCfFacts& facts) {
  if (service.chroot != "-") return service.chroot == "y";
  // The default was changed with compatibility level 1 (COMPATIBILITY_README).
  const auto level = value_in(facts.effective, "compatibility_level");
  return level.empty() || level == "0";
}

}  // namespace

std::vector<std::string> chrooted_services(const MainCfFacts& facts) {
  std::vector<std::string> names;
  for (const auto& service : facts.smtp_services)
    if (is_chrooted(service, facts)) names.push_back(service.name);
  return names;
}

}  // namespace tlspolicyd::tool
