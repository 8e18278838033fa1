#include "config/read_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/prefix.h"
#include "config/readers.h"
#include "config/values.h"
#include "sts/policy_domain.h"

namespace tlspolicyd::config {
namespace {

using base::Error;
using base::Fault;
using base::Result;

Result<std::string> scalar(const YAML::Node& node) {
  if (!node.IsScalar()) return Error{Fault::invalid, "a single value is expected"};
  return node.Scalar();
}

/// An endpoint: text, or {path:, mode:, group:} for a unix socket.
void read_endpoint(Section& top, const std::string& key, const YAML::Node& node, Mistakes& mistakes,
                   std::vector<net::ListenAddress>& addresses) {
  if (node.IsScalar()) {
    if (auto address = net::parse_listen_address(node.Scalar())) {
      addresses.push_back(*address);
    } else {
      top.complain(node,
                   fmt::format("{}: {}, not \"{}\"", key, address.error().text, node.Scalar()));
    }
    return;
  }
  net::UnixAddress socket;
  Section keys(node, key, mistakes);
  keys.text("path", [&](const std::string& text) -> Result<bool> {
    auto address = net::parse_listen_address("unix:" + text);
    if (!address) return address.error();
    socket.path = text;
    return true;
  });
  keys.text("mode", into(socket.mode, parse_file_mode));
  keys.text("group", [&](const std::string& text) -> Result<bool> {
    socket.group = text;
    return true;
  });
  keys.finish();
  if (socket.path.empty()) {
    top.complain(node, key + ": path is missing");
  } else {
    addresses.push_back(socket);
  }
}

void read_endpoints(
    Section& top, const std::string& key, Mistakes& mistakes,
    std::vector<net::ListenAddress>& addresses, const std::function<void()>& found = [] {}) {
  top.list(
      key,
      [&] {
        addresses.clear();
        found();
      },
      [&](const YAML::Node& node) -> Result<bool> {
        read_endpoint(top, key, node, mistakes, addresses);
        return true;
      });
}

/// One endpoint, or "" for none.
void read_single_endpoint(
    Section& top, const std::string& key, Mistakes& mistakes,
    std::vector<net::ListenAddress>& addresses, const std::function<void()>& found = [] {}) {
  top.value(key, [&](const YAML::Node& node) {
    addresses.clear();
    found();
    if (node.IsScalar() && node.Scalar().empty()) return;
    if (node.IsNull() || node.IsSequence()) {
      top.complain(node, key + ": one endpoint is expected, or \"\" for none");
      return;
    }
    read_endpoint(top, key, node, mistakes, addresses);
  });
}

void read_unsatisfiable(Section& top, postfix::DelegationRules& rules) {
  using Action = postfix::DelegationRules::Action;
  top.section("unsatisfiable", [&](Section& keys) {
    keys.text("action", choice(rules.action, {{"dunno", Action::dunno},
                                              {"warn", Action::warn},
                                              {"defer", Action::defer},
                                              {"reject", Action::reject}}));
    keys.text("text", into(rules.text, postfix::parse_delegation_text));
  });
}

void read_maps(Section& top, Config& config) {
  top.section("maps", [&](Section& maps) {
    maps.each([&](const std::string& name, Section& keys) {
      postfix::MapTable::Map map{.name = name};
      keys.text("profile", choice(map.profile, {{"compat", service::Profile::compat},
                                                {"tlsrpt", service::Profile::tlsrpt}}));
      keys.text("testing", choice(map.enforce_testing, {{"enforce", true}, {"notfound", false}}));
      config.maps.push_back(std::move(map));
    });
  });
}

void read_resolver(Section& top, net::DnsResolver::Options& resolver) {
  using TrustAd = net::DnsResolver::TrustAd;
  top.section("resolver", [&](Section& keys) {
    keys.list(
        "servers", [&] { resolver.servers.clear(); },
        [&](const YAML::Node& node) -> Result<bool> {
          const auto text = scalar(node);
          if (!text) return text.error();
          const auto server = base::Endpoint::parse(*text, 53);
          if (!server)
            return Error{Fault::invalid, fmt::format("{}, not \"{}\"", server.error().text, *text)};
          resolver.servers.push_back(*server);
          return true;
        });
    keys.text("trust_ad",
              choice(resolver.trust_ad,
                     {{"auto", TrustAd::automatic}, {"yes", TrustAd::yes}, {"no", TrustAd::no}}));
    keys.text("timeout", duration(resolver.timeout));
    keys.text("attempts", number(resolver.attempts, 1, 10));
  });
}

void read_https(Section& top, net::SecureHttpsClient::Options& https) {
  top.section("https", [&](Section& keys) {
    keys.text("port", number(https.port, 1, 65535));
    keys.text("ca_file", [&](const std::string& text) -> Result<bool> {
      if (!text.empty() && !std::ifstream(text))
        return Error{Fault::invalid,
                     fmt::format("a readable file is expected ({})", std::strerror(errno))};
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
          if (!prefix)
            return Error{Fault::invalid, fmt::format("{}, not \"{}\"", prefix.error().text, *text)};
          https.allow_addresses.push_back(*prefix);
          return true;
        });
  });
}

void read_discovery(Section& top, Config::Discovery& discovery) {
  top.section("discovery", [&](Section& keys) {
    keys.text("answer_deadline", duration(discovery.answer_deadline));
    keys.text("fetch_deadline", duration(discovery.fetch_deadline));
    keys.text("on_dns_error",
              choice(discovery.defer_on_dns_error, {{"notfound", false}, {"temp", true}}));
  });
}

const std::vector<std::pair<std::string, service::DaneMode>>& dane_modes() {
  using service::DaneMode;
  static const std::vector<std::pair<std::string, DaneMode>> modes{
      {"gate", DaneMode::gate}, {"always", DaneMode::always}, {"off", DaneMode::off}};
  return modes;
}

void read_dane(Section& top, service::DaneRules& rules) {
  top.section("dane", [&](Section& keys) {
    keys.text("mode", choice(rules.mode, dane_modes()));
    keys.text("mixed", choice(rules.mixed,
                              {{"dane-only", dane::Mixed::dane_only}, {"sts", dane::Mixed::sts}}));
  });
}

/// The operator's word for one domain: off, pinned, or {policy:, dane:}.
void read_domains(Section& top, Config& config) {
  const auto word = [&](const std::string& name, const std::string& text) -> Result<bool> {
    const auto domain = sts::policy_domain(name);
    if (!domain) return domain.error();
    if (text == "off") {
      config.overrides.set_off(*domain);
    } else if (text == "pinned") {
      config.pinned.insert(domain->text());
    } else {
      return Error{Fault::invalid, "off, pinned or {policy: ...} is expected"};
    }
    return true;
  };
  top.section("domains", [&](Section& domains) {
    domains.each(word, [&](const std::string& name, Section& keys) {
      keys.text("policy", [&](const std::string& text) -> Result<bool> {
        const auto domain = sts::policy_domain(name);
        if (!domain) return domain.error();
        return config.overrides.set_policy(*domain, text);
      });
      keys.text("dane", [&](const std::string& text) -> Result<bool> {
        const auto domain = sts::policy_domain(name);
        if (!domain) return domain.error();
        return choice(config.dane.domains[domain->text()], dane_modes())(text);
      });
    });
  });
}

void read_cache(Section& top, Config::Cache& cache) {
  top.section("cache", [&](Section& keys) {
    keys.text("path", [&](const std::string& text) -> Result<bool> {
      if (!text.starts_with('/') || text.ends_with('/'))
        return Error{Fault::invalid, "the absolute path of a file is expected"};
      cache.path = text;
      return true;
    });
    keys.text("require", boolean(cache.require));
    keys.text("policies", number(cache.policies, 1, 10'000'000));
    keys.text("negatives", number(cache.negatives, 1, 10'000'000));
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
  using base::Severity;
  top.section("log", [&](Section& keys) {
    keys.text("level", choice(log.level, {{"debug", Severity::debug},
                                          {"info", Severity::info},
                                          {"warning", Severity::warning},
                                          {"error", Severity::error}}));
    keys.text("format", choice(log.format, {{"text", base::Log::Format::text},
                                            {"json", base::Log::Format::json}}));
  });
}

/// What no single value shows.
void check_together(const Config& config, Mistakes& mistakes) {
  using base::seconds;
  if (config.listen.empty()) mistakes.push_back({0, "listen: at least one endpoint is needed"});
  // Postfix gives up after 100 s; a few seconds are for the MX look-up.
  if (config.discovery.fetch_deadline > seconds{80})
    mistakes.push_back({0, "discovery.fetch_deadline: at most 80s, since Postfix waits 100 s"});
  if (config.discovery.answer_deadline > config.discovery.fetch_deadline)
    mistakes.push_back(
        {0, "discovery.answer_deadline: must not be longer than discovery.fetch_deadline"});
}

}  // namespace

ReadConfig read_config(const std::string& text) {
  ReadConfig read;
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    read.mistakes.push_back({error.mark.line + 1, base::printable(error.msg)});
    return read;
  }
  Section top(root, "", read.mistakes);
  read_endpoints(top, "listen", read.mistakes, read.config.listen,
                 [&] { read.config.listen_by_default = false; });
  read_endpoints(top, "policy_service", read.mistakes, read.config.policy_service);
  read_single_endpoint(top, "admin", read.mistakes, read.config.admin,
                       [&] { read.config.admin_by_default = false; });
  read_single_endpoint(top, "metrics", read.mistakes, read.config.metrics);
  read_unsatisfiable(top, read.config.unsatisfiable);
  read_maps(top, read.config);
  read_resolver(top, read.config.resolver);
  read_https(top, read.config.https);
  read_discovery(top, read.config.discovery);
  read_dane(top, read.config.dane);
  read_domains(top, read.config);
  top.text("observe", boolean(read.config.observe));
  read_cache(top, read.config.cache);
  read_refresh(top, read.config.refresh);
  read_limits(top, read.config.limits);
  read_log(top, read.config.log);
  top.finish();
  if (read.mistakes.empty()) check_together(read.config, read.mistakes);
  std::stable_sort(read.mistakes.begin(), read.mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  return read;
}

ReadConfig read_config_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return {Config{}, {{0, fmt::format("cannot be read: {}", std::strerror(errno))}}};
  return read_config(text.str());
}

}  // namespace tlspolicyd::config
