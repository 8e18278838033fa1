#include "tool/explain_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "explain/plan_json.h"
#include "explain/probe_report.h"
#include "tool/admin_client.h"
#include "tool/colour.h"
#include "tool/explain.h"
#include "tool/probe_hosts.h"

namespace tlspolicyd::tool {
namespace {

using nlohmann::json;

struct Explained {
  json document;  ///< with its "source" and "configuration"
  std::string text;
  explain::ProbePlan plan{};  ///< of the MX hosts, where they were asked for
  ProbeMeans means{};
};

std::string settings_text(std::string_view whose, const std::string& file) {
  return fmt::format("{:<10} {}{}\n", "settings", whose,
                     file.empty() ? "built-in, without a file" : base::printable(file));
}

/// What the daemon says of the MX hosts. Throws json::exception for what it would not say; false if
/// it says nothing.
bool take_probe(json& document, Explained& explained) {
  const auto probe = document.find("probe");
  if (probe == document.end()) return false;
  auto plan = explain::plan_of(probe->at("plan"));
  if (!plan) return false;
  explained.plan = std::move(*plan);
  explained.means.ca_file = probe->at("ca_file").get<std::string>();
  for (const auto& text : probe->at("name_servers")) {
    const auto server = base::Endpoint::parse(text.get<std::string>(), 53);
    if (server) explained.means.name_servers.push_back(*server);
  }
  document.erase(probe);
  return true;
}

/// What the daemon finds, or why it cannot be asked.
base::Result<Explained> ask_daemon(const net::ListenAddress& daemon,
                                   const ExplainOptions& options) {
  const base::Error unexpected{base::Fault::invalid, text_of(daemon) + ": unexpected reply"};
  const auto reply = ask_admin(daemon, "GET",
                               fmt::format("/explain?text=1&connect={:d}&domain={}",
                                           options.connect, query_escaped(options.key)));
  if (!reply) return reply.error();
  auto document = json::parse(reply->body, nullptr, false);
  if (reply->status != 200 || !document.is_object()) return unexpected;
  try {
    Explained explained;
    if (options.connect && !take_probe(document, explained)) return unexpected;
    explained.text =
        fmt::format("{:<10} the daemon at {}\n", "asked", text_of(daemon)) +
        settings_text("the daemon's: ", document.at("configuration").get<std::string>()) +
        document.at("text").get<std::string>();
    document.erase("text");
    document["source"] = "daemon";
    static_cast<void>(document.at("result").get_ref<const std::string&>());
    explained.document = std::move(document);
    return explained;
  } catch (const json::exception&) {
    return unexpected;
  }
}

Explained find_out_alone(const ExplainOptions& options, const config::Config& config,
                         const std::string& why_not_daemon) {
  const auto explanation = explain(config, options.key, options.connect);
  Explained explained{.document = json::parse(as_json(explanation)),
                      .text = fmt::format("{:<10} this host's network, not the daemon ({})\n",
                                          "asked", base::printable(why_not_daemon)),
                      .plan = plan_probes(explanation),
                      .means = {config.resolver.servers, config.https.ca_file}};
  explained.text += settings_text("", options.config_file) + as_text(explanation);
  explained.document["source"] = "standalone";
  explained.document["configuration"] = options.config_file;
  return explained;
}

Explained find_out(const ExplainOptions& options, const config::Config& config) {
  if (!options.daemon) return find_out_alone(options, config, options.why_not_daemon);
  auto by_daemon = ask_daemon(*options.daemon, options);
  if (by_daemon) return std::move(*by_daemon);
  return find_out_alone(options, config, by_daemon.error().text);
}

/// Goes out to the MX hosts and adds what came of it.
void connect(Explained& explained) {
  const auto before =
      explain::outcome_of(explained.document.at("result").get_ref<const std::string&>());
  const auto probes = probe_hosts(explained.means, explained.plan);
  const auto after = explain::outcome_after(before, probes);
  explained.text = with_probes(std::move(explained.text), explained.plan, probes, before, after);
  add_probes(explained.document, explained.plan, probes, after);
}

}  // namespace

int explain_command(const ExplainOptions& options, const config::Config& config) {
  auto explained = find_out(options, config);
  if (options.connect) connect(explained);
  const auto code = exit_code_of(
      explain::outcome_of(explained.document.at("result").get_ref<const std::string&>()));
  fmt::print("{}", options.json     ? explained.document.dump(2) + "\n"
                   : wants_colour() ? in_colour(explained.text)
                                    : explained.text);
  return code;
}

}  // namespace tlspolicyd::tool
