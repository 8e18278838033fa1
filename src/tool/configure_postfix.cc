#include "tool/configure_postfix.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "tool/main_cf.h"
#include "tool/main_cf_output.h"
#include "tool/postconf.h"
#include "tool/socketmap_client.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

using base::Result;

/// Of Debian and Alpine, of Red Hat, of SUSE.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"};

std::string find_bundle() {
  for (const auto* bundle : kBundles)
    if (::access(bundle, R_OK) == 0) return bundle;
  return "";
}

void look_at_master_cf(const Postconf& postconf, MainCfFacts& facts) {
  auto services = postconf.smtp_services();
  auto overrides = postconf.overrides();
  if (services) facts.smtp_services = std::move(*services);
  if (overrides) facts.overrides = std::move(*overrides);
  if (!services) {
    facts.master_cf_trouble = services.error().text;
  } else if (!overrides) {
    facts.master_cf_trouble = overrides.error().text;
  }
}

void look_at_daemon(const config::Config& config, MainCfFacts& facts) {
  facts.listen = config.listen;
  facts.maps = config.maps;
  facts.uses_dane = config.dane.in_use();
  const DaemonEndpoints endpoints(facts.listen, facts.effective["queue_directory"]);
  if (const auto client = SocketmapClient::connect(endpoints.choice().listen); !client)
    facts.daemon_trouble = client.error().text;
}

Result<MainCfFacts> gather(const Postconf& postconf, const config::Config& config) {
  MainCfFacts facts;
  const auto version = postconf.version();
  if (!version) return version.error();
  facts.version = *version;
  auto written = postconf.written(kMainCfParameters);
  if (!written) return written.error();
  facts.written = std::move(*written);
  auto effective = postconf.effective(kMainCfParameters);
  if (!effective) return effective.error();
  facts.effective = std::move(*effective);
  look_at_master_cf(postconf, facts);
  look_at_daemon(config, facts);
  facts.ca_bundle = find_bundle();
  return facts;
}

ExitCode refuse(ExitCode code, const std::string& why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  return code;
}

}  // namespace

ExitCode configure_postfix(const ConfigurePostfixOptions& options, const config::Config& config) {
  const Postconf postconf(options.postfix_config);
  const auto facts = gather(postconf, config);
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
