#include "tool/main_cf_look.h"

#include <unistd.h>

#include "tool/socketmap_client.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

using base::Result;

/// Of Debian and Alpine, of Red Hat, of SUSE.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"};

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

}  // namespace

std::string find_bundle() {
  for (const auto* bundle : kBundles)
    if (::access(bundle, R_OK) == 0) return bundle;
  return "";
}

Result<MainCfFacts> look_at_main_cf(const Postconf& postconf, const config::Config& config) {
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

}  // namespace tlspolicyd::tool
