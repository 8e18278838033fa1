#include "config/read_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "base/prefix.h"
#include "config/read_domains.h"
#include "config/read_endpoints.h"
#include "config/readers.h"
#include "config/values.h"
#include "config/yaml_text.h"
#include "store/redis_connection.h"

namespace tlspolicyd::config {
namespace {

using base::Error;
using base::Fault;
using base::Result;

Result<std::string> scalar(const YAML::Node& node) {
  if (!node.IsScalar()) return Error{Fault::invalid, "a single value is expected"};
  return node.Scalar();
}

/// What is wrong with one value of a list.
Error about(const std::string& value, const std::string& why) {
  return {Fault::invalid, fmt::format("\"{}\": {}", value, why)};
}

/// All that a file holds, or why it cannot be read.
Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || !text) return Error{Fault::invalid, std::strerror(errno)};
  return text.str();
}

void read_unsatisfiable(Section& top, postfix::DelegationRules& rules) {
  top.section("unsatisfiable", [&](Section& keys) {
    keys.text("action", choice(rules.action, kActions));
    keys.text("text", into(rules.text, postfix::parse_delegation_text));
  });
}

void read_maps(Section& top, Config& config) {
  top.section("maps", [&](Section& maps) {
    maps.each([&](const std::string& name, Section& keys) {
      if (name == postfix::MapTable::kOther)
        maps.complain_of(name,
                         "metrics count by this name what is asked in maps that nobody defined");
      postfix::MapTable::Map map{.name = name};
      keys.text("profile", choice(map.profile, kProfiles));
      keys.text("testing", choice(map.enforce_testing, kTesting));
      config.maps.push_back(std::move(map));
    });
  });
}

void read_resolver(Section& top, net::DnsResolver::Options& resolver) {
  top.section("resolver", [&](Section& keys) {
    keys.list(
        "servers", [&] { resolver.servers.clear(); },
        [&](const YAML::Node& node) -> Result<bool> {
          const auto text = scalar(node);
          if (!text) return text.error();
          const auto server = base::Endpoint::parse(*text, 53);
          if (!server) return about(*text, server.error().text);
          resolver.servers.push_back(*server);
          return true;
        });
    keys.text("trust_ad", choice(resolver.trust_ad, kTrustAd));
    keys.text("timeout", duration(resolver.timeout));
    keys.text("attempts", number(resolver.attempts, 1, 10));
  });
}

/// Why this cannot be a file of trusted certificates, "" if it may be.
std::string trouble_with_trust(const std::string& path) {
  if (path.empty()) return {};
  const auto text = read_file(path);
  if (!text) return text.error().text;
  return text->find("-----BEGIN ") == std::string::npos ? "it has no PEM certificate" : "";
}

void read_https(Section& top, net::SecureHttpsClient::Options& https) {
  top.section("https", [&](Section& keys) {
    keys.text("port", number(https.port, 1, 65535));
    keys.text("ca_file", [&](const std::string& text) -> Result<bool> {
      if (const auto trouble = trouble_with_trust(text); !trouble.empty())
        return Error{Fault::invalid, fmt::format("a readable file is expected ({})", trouble)};
      https.ca_file = text;
      return true;
    });
    keys.text("timeout", duration(https.timeout));
    keys.list(
        "allow_addresses", [&] { https.allow_addresses.clear(); },
        [&](const YAML::Node& node) -> Result<bool> {
          const auto text = scalar(node);
          if (!text) return text.error();
          const auto prefix = base::Prefix::parse(*text);
          if (!prefix) return about(*text, prefix.error().text);
          https.allow_addresses.push_back(*prefix);
          return true;
        });
  });
}

void read_discovery(Section& top, Config::Discovery& discovery, const Mistakes& mistakes) {
  using base::seconds;
  const auto before = mistakes.size();
  top.section("discovery", [&](Section& keys) {
    keys.text("answer_deadline", duration(discovery.answer_deadline));
    keys.text("fetch_deadline", duration(discovery.fetch_deadline));
    keys.text("on_dns_error", choice(discovery.defer_on_dns_error, kOnDnsError));
    if (mistakes.size() > before) return;
    // Postfix gives up after 100 s. After the fetch, the MX lookup has up to 10 s and the DANE gate
    // 15 s; 5 s remain.
    if (discovery.fetch_deadline > seconds{70})
      keys.complain_of(
          "fetch_deadline",
          "at most 70s, since Postfix waits 100 s and MX and DANE lookups may take 25 s");
    if (discovery.answer_deadline > discovery.fetch_deadline)
      keys.complain_of("answer_deadline", "must not be longer than discovery.fetch_deadline");
  });
}

void read_dane(Section& top, service::DaneRules& rules) {
  top.section("dane", [&](Section& keys) {
    keys.text("mode", choice(rules.mode, kDaneModes));
    keys.text("mixed", choice(rules.mixed, kMixed));
  });
}

/// The server of the fleet, or "" for none.
Reader shared_cache(std::optional<store::RedisServer>& slot) {
  return [&slot](const std::string& text) -> Result<bool> {
    slot.reset();
    if (text.empty()) return true;
    auto server = store::parse_redis_server(text);
    if (!server) return server.error();
    if (!store::has_redis())
      return Error{Fault::invalid, "this program was built without hiredis: nothing is expected"};
    slot = std::move(*server);
    return true;
  };
}

void read_cache(Section& top, Config::Cache& cache) {
  top.section("cache", [&](Section& keys) {
    keys.text("path", [&](const std::string& text) -> Result<bool> {
      if (!text.empty() && (!text.starts_with('/') || text.ends_with('/')))
        return Error{Fault::invalid, "the absolute path of a file is expected"};
      cache.path = text;
      return true;
    });
    keys.text("require", boolean(cache.require));
    keys.text("policies", number(cache.policies, 1, 10'000'000));
    keys.text("negatives", number(cache.negatives, 1, 10'000'000));
    // Less would leave hardly a hundred policies of the largest size a place.
    keys.text("memory", size(cache.memory, 16));
    keys.secret("shared", shared_cache(cache.shared));
  });
}

void read_refresh(Section& top, sts::RefreshRules& rules) {
  using std::chrono::hours;
  using std::chrono::minutes;
  top.section("refresh", [&](Section& keys) {
    keys.text("interval", duration(rules.interval, minutes{5}, hours{24 * 30}));
    keys.text("jitter", into(rules.jitter, parse_percent));
    keys.text("unused", duration(rules.unused, hours{24}, hours{24 * 366}));
  });
}

void read_limits(Section& top, Config::Limits& limits) {
  top.section("limits", [&](Section& keys) {
    keys.text("clients", number(limits.clients, 1, 1'000'000));
    keys.text("fetches", number(limits.fetches, 1, 10'000));
    keys.text("fetches_per_registered_domain",
              number(limits.fetches_per_registered_domain, 1, 10'000));
  });
}

void read_log(Section& top, Config::Logging& log) {
  top.section("log", [&](Section& keys) {
    keys.text("level", choice(log.level, kLevels));
    keys.text("format", choice(log.format, kFormats));
  });
}

}  // namespace

ReadConfig read_config(const std::string& text) {
  ReadConfig read;
  const auto root = read_yaml(text, read.mistakes);
  if (!root.IsDefined()) return read;
  Section top(root, "", read.mistakes);
  read_endpoints(top, "listen", read.mistakes, read.config.listen,
                 [&] { read.config.listen_by_default = false; });
  if (read.config.listen.empty() && read.mistakes.empty())
    top.complain_of("listen", "at least one endpoint is needed");
  read_endpoints(top, "policy_service", read.mistakes, read.config.policy_service);
  read_single_endpoint(top, "admin", read.mistakes, read.config.admin,
                       [&] { read.config.admin_by_default = false; });
  read_single_endpoint(top, "metrics", read.mistakes, read.config.metrics);
  read_unsatisfiable(top, read.config.unsatisfiable);
  read_maps(top, read.config);
  read_resolver(top, read.config.resolver);
  read_https(top, read.config.https);
  read_discovery(top, read.config.discovery, read.mistakes);
  read_dane(top, read.config.dane);
  read_domains(top, read.config);
  top.text("observe", boolean(read.config.observe));
  read_cache(top, read.config.cache);
  read_refresh(top, read.config.refresh);
  read_limits(top, read.config.limits);
  read_log(top, read.config.log);
  top.finish();
  std::stable_sort(read.mistakes.begin(), read.mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  return read;
}

ReadConfig read_config_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return {Config{}, {{0, fmt::format("cannot be read: {}", text.error().text)}}};
  return read_config(*text);
}

}  // namespace tlspolicyd::config
