#include "config/effective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "config/words.h"

namespace tlspolicyd::config {
namespace {

using Texts = std::vector<std::string>;

/// A text as YAML has it in flow style: as it stands where it cannot be taken for anything else.
std::string in_quotes(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  // A colon inside a word is part of it, unlike one at its end.
  if (!text.empty() && (std::string(kPlain) + "/").find(text.front()) != std::string::npos &&
      text.back() != ':' &&
      text.find_first_not_of(std::string(kPlain) + "._-/%:") == std::string_view::npos)
    return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string boolean(bool value) { return value ? "true" : "false"; }

/// In the largest unit of which it is several, as people say 24h and 180d.
std::string duration(base::milliseconds value) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}};
  const auto count = value.count();
  for (const auto& [name, size] : kUnits)
    if (count % size == 0 && count / size > 1) return fmt::format("{}{}", count / size, name);
  return count % 1000 == 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

/// In the largest unit of which it is several.
std::string size(std::size_t value) {
  if (value % (std::size_t{1} << 30) == 0) return fmt::format("{}GiB", value >> 30);
  if (value % (std::size_t{1} << 20) == 0) return fmt::format("{}MiB", value >> 20);
  return fmt::format("{}KiB", value >> 10);
}

std::string list(const Texts& items) { return fmt::format("[{}]", fmt::join(items, ", ")); }
std::string map(const Texts& items) { return fmt::format("{{{}}}", fmt::join(items, ", ")); }

std::string endpoint(const net::ListenAddress& address) {
  const auto* socket = std::get_if<net::UnixAddress>(&address);
  const auto plain = in_quotes(text_of(address));
  if (socket == nullptr ||
      *socket == net::UnixAddress{.path = socket->path, .mode = 0660, .group = {}})
    return plain;
  Texts keys{"path: " + in_quotes(socket->path), fmt::format("mode: \"0{:o}\"", socket->mode)};
  if (!socket->group.empty()) keys.push_back("group: " + in_quotes(socket->group));
  return map(keys);
}

std::string endpoints(const std::vector<net::ListenAddress>& addresses) {
  Texts items;
  for (const auto& address : addresses) items.push_back(endpoint(address));
  return list(items);
}

std::string single_endpoint(const std::vector<net::ListenAddress>& addresses) {
  return addresses.empty() ? "\"\"" : endpoint(addresses.front());
}

std::string maps(const std::vector<postfix::MapTable::Map>& all) {
  Texts items;
  for (const auto& one : all)
    items.push_back(fmt::format("{}: {{profile: {}, testing: {}}}", in_quotes(one.name),
                                word_of(kProfiles, one.profile),
                                word_of(kTesting, one.enforce_testing)));
  return map(items);
}

std::string domains(const Config& config) {
  std::map<std::string, Texts> keys;
  for (const auto& [domain, policy] : config.overrides.policies())
    if (!policy.empty()) keys[domain].push_back("policy: " + in_quotes(policy));
  for (const auto& [domain, mode] : config.dane.domains)
    keys[domain].push_back(fmt::format("dane: {}", word_of(kDaneModes, mode)));
  std::map<std::string, std::string> words;
  for (const auto& [domain, own] : keys) words[domain] = map(own);
  for (const auto& [domain, policy] : config.overrides.policies())
    if (policy.empty()) words[domain] = "off";
  for (const auto& domain : config.pinned) words[domain] = "pinned";
  Texts items;
  for (const auto& [domain, word] : words)
    items.push_back(fmt::format("{}: {}", in_quotes(domain), word));
  return map(items);
}

template <class T>
Texts texts(const std::vector<T>& values) {
  Texts items;
  for (const auto& value : values) items.push_back(in_quotes(value.text()));
  return items;
}

}  // namespace

std::vector<Setting> settings_of(const Config& config) {
  const auto number = [](auto value) { return fmt::format("{}", value); };
  const auto& resolver = config.resolver;
  const auto& https = config.https;
  const auto& cache = config.cache;
  const auto& limits = config.limits;
  return {
      {.section = "",
       .key = "listen",
       .value = endpoints(config.listen),
       .remark = config.listen_by_default ? "default: inherited sockets, else this one" : "",
       .at_start = true},
      {.section = "",
       .key = "policy_service",
       .value = endpoints(config.policy_service),
       .at_start = true},
      {.section = "",
       .key = "admin",
       .value = single_endpoint(config.admin),
       .remark = config.admin_by_default ? "default: an inherited socket, else this one" : "",
       .at_start = true},
      {.section = "", .key = "metrics", .value = single_endpoint(config.metrics), .at_start = true},
      {"unsatisfiable", "action", word_of(kActions, config.unsatisfiable.action)},
      {"unsatisfiable", "text", in_quotes(config.unsatisfiable.text)},
      {"", "maps", maps(config.maps)},
      {"resolver", "servers", list(texts(resolver.servers))},
      {"resolver", "trust_ad", word_of(kTrustAd, resolver.trust_ad)},
      {"resolver", "timeout", duration(resolver.timeout)},
      {"resolver", "attempts", number(resolver.attempts)},
      {"https", "port", number(https.port)},
      {"https", "ca_file", in_quotes(https.ca_file)},
      {"https", "timeout", duration(https.timeout)},
      {"https", "allow_addresses", list(texts(https.allow_addresses))},
      {"discovery", "answer_deadline", duration(config.discovery.answer_deadline)},
      {"discovery", "fetch_deadline", duration(config.discovery.fetch_deadline)},
      {"discovery", "on_dns_error", word_of(kOnDnsError, config.discovery.defer_on_dns_error)},
      {"dane", "mode", word_of(kDaneModes, config.dane.mode)},
      {"dane", "mixed", word_of(kMixed, config.dane.mixed)},
      {"", "domains", domains(config)},
      {"", "observe", boolean(config.observe)},
      {.section = "cache", .key = "path", .value = in_quotes(cache.path), .at_start = true},
      {.section = "cache", .key = "require", .value = boolean(cache.require), .at_start = true},
      {"cache", "policies", number(cache.policies)},
      {"cache", "negatives", number(cache.negatives)},
      {"cache", "memory", size(cache.memory)},
      {"cache", "shared", cache.shared ? in_quotes(cache.shared->text()) : "\"\""},
      {"refresh", "interval", duration(config.refresh.interval)},
      {"refresh", "jitter", fmt::format("{}%", config.refresh.jitter)},
      {"refresh", "unused", duration(config.refresh.unused)},
      {"limits", "clients", number(limits.clients)},
      {"limits", "fetches", number(limits.fetches)},
      {"limits", "fetches_per_registered_domain", number(limits.fetches_per_registered_domain)},
      {"log", "level", word_of(kLevels, config.log.level)},
      {"log", "format", word_of(kFormats, config.log.format)},
  };
}

std::string text_of(const std::vector<Setting>& settings) {
  std::string out;
  std::string section;
  for (const auto& setting : settings) {
    if (setting.section != section && !setting.section.empty()) out += setting.section + ":\n";
    section = setting.section;
    out += fmt::format("{}{}: {}", section.empty() ? "" : "  ", setting.key, setting.value);
    if (!setting.remark.empty()) out += "  # " + setting.remark;
    out += '\n';
  }
  return out;
}

std::vector<Setting> changes(const Config& before, const Config& after) {
  const auto old = settings_of(before);
  auto changed = settings_of(after);
  std::erase_if(changed, [&](const Setting& setting) {
    return std::find(old.begin(), old.end(), setting) != old.end();
  });
  return changed;
}

}  // namespace tlspolicyd::config
