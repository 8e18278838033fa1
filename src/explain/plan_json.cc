#include "explain/plan_json.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/domain_name.h"
#include "explain/words.h"

namespace tlspolicyd::explain {
namespace {

using base::Error;
using base::Fault;
using nlohmann::json;

constexpr std::array<std::pair<Demand::Kind, const char*>, 5> kKinds{
    {{Demand::Kind::nothing, "nothing"},
     {Demand::Kind::tls, "tls"},
     {Demand::Kind::certificate, "certificate"},
     {Demand::Kind::tlsa, "tlsa"},
     {Demand::Kind::unknown, "unknown"}}};

// More than an answer of the DNS has room for.
constexpr std::size_t kMostEntries = 10'000;

json tlsa_json(const net::TlsaRecord& record) {
  std::string data;
  for (const auto octet : record.data) data += fmt::format("{:02x}", octet);
  return {{"usage", record.usage},
          {"selector", record.selector},
          {"matching_type", record.matching_type},
          {"data", data}};
}

/// Throws json::exception for what is none up to `most`.
template <class T>
T number_of(const json& value, std::uint64_t most) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
    throw json::type_error::create(302, "a number in range is expected", &value);
  return static_cast<T>(value.get<std::uint64_t>());
}

std::vector<std::uint8_t> octets_of(const std::string& hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<std::uint8_t> octets;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    const auto high = kDigits.find(hex[at]);
    const auto low = kDigits.find(hex[at + 1]);
    // Nobody's digest: the record is found to be of no use.
    if (high == std::string_view::npos || low == std::string_view::npos) return {};
    octets.push_back(static_cast<std::uint8_t>(high << 4U | low));
  }
  return octets;
}

std::vector<std::string> texts_of(const json& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) {
    if (texts.size() == kMostEntries) break;
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

ProbePlan::Host host_of(const json& value) {
  ProbePlan::Host host;
  host.name = value.at("name").get<std::string>();
  host.allowed = value.at("allowed").get<bool>();
  host.tlsa_known = value.at("tlsa_known").get<bool>();
  for (const auto& entry : value.at("tlsa")) {
    if (host.tlsa.size() == kMostEntries) break;
    net::TlsaRecord record{number_of<std::uint8_t>(entry.at("usage"), 255),
                           number_of<std::uint8_t>(entry.at("selector"), 255),
                           number_of<std::uint8_t>(entry.at("matching_type"), 255),
                           octets_of(entry.at("data").get<std::string>())};
    if (is_usable(record)) host.tlsa.push_back(std::move(record));
  }
  return host;
}

Demand demand_of(const json& value) {
  Demand demand;
  const auto word = value.at("kind").get<std::string>();
  demand.kind = Demand::Kind::unknown;
  for (const auto& [kind, name] : kKinds)
    if (word == name) demand.kind = kind;
  demand.names = texts_of(value.at("names"));
  demand.why = value.at("why").get<std::string>();
  demand.binding = value.at("binding").get<bool>();
  return demand;
}

}  // namespace

json json_of(const ProbePlan& plan) {
  const char* word = "unknown";
  for (const auto& [kind, name] : kKinds)
    if (plan.demand.kind == kind) word = name;
  auto hosts = json::array();
  for (const auto& host : plan.hosts) {
    auto tlsa = json::array();
    for (const auto& record : host.tlsa) tlsa.push_back(tlsa_json(record));
    hosts.push_back({{"name", host.name},
                     {"allowed", host.allowed},
                     {"tlsa_known", host.tlsa_known},
                     {"tlsa", std::move(tlsa)}});
  }
  return {{"domain", plan.domain},
          {"port", plan.port},
          {"demand",
           {{"kind", word},
            {"names", plan.demand.names},
            {"why", plan.demand.why},
            {"binding", plan.demand.binding}}},
          {"hosts", std::move(hosts)},
          {"left_out", plan.left_out}};
}

base::Result<ProbePlan> plan_of(const json& value) {
  try {
    ProbePlan plan;
    plan.domain = value.at("domain").get<std::string>();
    plan.port = number_of<std::uint16_t>(value.at("port"), 65'535);
    plan.demand = demand_of(value.at("demand"));
    plan.left_out = texts_of(value.at("left_out"));
    for (const auto& host : value.at("hosts")) {
      if (plan.hosts.size() == ProbePlan::kMaxHosts) break;
      plan.hosts.push_back(host_of(host));
    }
    return plan;
  } catch (const json::exception&) {
    return Error{Fault::invalid, "this is no plan for probes"};
  }
}

}  // namespace tlspolicyd::explain
