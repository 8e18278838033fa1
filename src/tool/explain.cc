#include "tool/explain.h"

#include "config/derived.h"
#include "explain/explainer.h"
#include "net/dns_resolver.h"
#include "net/https_client.h"
#include "net/loop.h"
#include "net/resolv_conf.h"

namespace tlspolicyd::tool {

explain::Explanation explain(const config::Config& config, const std::string& key, bool wants_mx) {
  net::Loop loop;
  const auto usual = net::ResolvConfWatch(loop, net::kResolvConf, [](auto) {}).servers();
  net::DnsResolver resolver(loop, config::resolver_options(config, usual));
  const auto make_https = [&](net::Resolver& traced) {
    auto options = config.https;
    options.collect_peer = true;
    return std::make_unique<net::SecureHttpsClient>(loop, traced, options);
  };
  auto settings = config::explain_settings(config);
  settings.wants_mx = wants_mx;
  explain::Explanation explanation;
  const explain::Explainer explainer({resolver, make_https, loop, loop}, settings, key,
                                     [&](explain::Explanation found) {
                                       explanation = std::move(found);
                                       loop.stop();
                                     });
  loop.run();
  return explanation;
}

ExitCode exit_code_of(explain::Outcome outcome) {
  switch (outcome) {
    case explain::Outcome::guarded: return kFound;
    case explain::Outcome::unprotected: return kNotFound;
    case explain::Outcome::deferred: return kDeferred;
    case explain::Outcome::unknown: break;
  }
  return kTemporary;
}

}  // namespace tlspolicyd::tool
