#include "tool/configure_postfix.h"

#include <fmt/format.h>

#include <cstdio>

#include "tool/main_cf.h"
#include "tool/main_cf_look.h"
#include "tool/main_cf_output.h"
#include "tool/postconf.h"

namespace tlspolicyd::tool {
namespace {

ExitCode refuse(ExitCode code, const std::string& why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  return code;
}

}  // namespace

ExitCode configure_postfix(const ConfigurePostfixOptions& options, const config::Config& config) {
  const Postconf postconf(options.postfix_config);
  const auto facts = look_at_main_cf(postconf, config);
  if (!facts)
    return refuse(kUnavailable, facts.error().text +
                                    "; install and configure Postfix, or say where its main.cf is "
                                    "(--postfix-config)");
  const auto wanted = main_cf(*facts);
  if (!wanted) return refuse(kMisfit, wanted.error().text);
  const auto changed = changes(*wanted, facts->written);
  const bool may_apply = options.apply && wanted->problems.empty();
  if (may_apply && !changed.empty()) {
    std::vector<std::string> lines;
    for (const auto& line : wanted->lines) lines.push_back(line.text());
    if (const auto edited = postconf.edit(lines); !edited)
      return refuse(kUnavailable, edited.error().text +
                                      "; main.cf is as it was: run this as the user that may write "
                                      "it (root)");
  }
  const auto reload = options.postfix_config.empty()
                          ? std::string("postfix reload")
                          : fmt::format("postfix -c {} reload", options.postfix_config);
  if (options.json) {
    fmt::print("{}", as_json(*wanted, changed, may_apply));
  } else {
    fmt::print("{}{}", as_text(*wanted), may_apply ? as_text(changed, reload) : "");
  }
  if (options.apply && !may_apply)
    return refuse(kMisfit, "nothing was changed: " + wanted->problems.front());
  return kFound;
}

}  // namespace tlspolicyd::tool
